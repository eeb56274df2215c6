from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import os
import pickle
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream_engine.connectors.splits import FileSplit, list_splits
from stream_engine.connectors.text import TextReader

if TYPE_CHECKING:
    from pathlib import Path

PIECES = [b"\n", b"\r\n", b"\r", b"a", b"bc ", b"\xff", b"\xe6\x97", b"\xc3", *map(str.encode, "é日😀")]
FORMATS = [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]

Compress = Callable[[bytes], bytes]

contents = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)
limits = st.integers(1, 5)
block_sizes = st.integers(1, 12)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def naive_lines(content: bytes, charset: str = "utf-8") -> list[str]:
    *ended, rest = content.decode(charset, "replace").split("\n")
    lines = [line[:-1] if line.endswith("\r") else line for line in ended]
    return [*lines, rest] if rest else lines


def read_all(reader: TextReader, limit: int = 1000) -> list[str]:
    lines: list[str] = []
    try:
        while (batch := reader.read(limit)) is not None:
            assert 0 < len(batch) <= limit
            lines += batch
    finally:
        reader.close()
    return lines


def lines_at(path: Path, charset: str = "utf-8") -> list[str]:
    return read_all(TextReader(list_splits(path, 1, charset)[0], charset))


@given(contents, st.lists(st.integers(0, 120), max_size=8), limits, block_sizes)
@example(b"a\r\nb\r\n", [1, 2, 3, 4, 5], 1, 1)
@example("日\n日".encode(), [1, 2, 3, 4, 5], 1, 2)
@example(b"\n\n\n", [1, 2], 5, 1)
@example(b"one line, cut often", [2, 4, 6, 8], 5, 3)
def test_each_line_belongs_to_exactly_one_byte_range(
    scratch: Path, content: bytes, cuts: list[int], limit: int, block_size: int
) -> None:
    path = scratch / "ranges"
    path.write_bytes(content)
    bounds = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    splits = [FileSplit(str(path), start, end) for start, end in itertools.pairwise(bounds)]

    lines = [line for split in splits for line in read_all(TextReader([split], "utf-8", block_size), limit)]

    assert lines == naive_lines(content)


@given(st.lists(contents, min_size=1, max_size=4), st.integers(1, 6), limits, block_sizes)
def test_each_line_of_a_directory_is_read_by_exactly_one_subtask(
    tmp_path_factory: pytest.TempPathFactory, files: list[bytes], parallelism: int, limit: int, block_size: int
) -> None:
    directory = tmp_path_factory.mktemp("files")
    for index, content in enumerate(files):
        (directory / f"{index}.txt").write_bytes(content)

    shares = list_splits(directory, parallelism)
    lines = [line for share in shares for line in read_all(TextReader(share, "utf-8", block_size), limit)]

    assert lines == [line for content in files for line in naive_lines(content)]


@given(
    content=contents,
    name=st.sampled_from(["plain.txt", "packed.gz", "wide.utf16"]),
    parallelism=st.integers(1, 3),
    before=st.lists(limits, max_size=8),
    block_size=block_sizes,
    other_block_size=block_sizes,
)
def test_a_new_reader_continues_where_a_position_was_taken(
    scratch: Path,
    content: bytes,
    name: str,
    parallelism: int,
    before: list[int],
    block_size: int,
    other_block_size: int,
) -> None:
    text, charset = content.decode("utf-8", "replace"), "utf-16" if name == "wide.utf16" else "utf-8"
    path = scratch / name
    path.write_bytes(gzip.compress(text.encode()) if name == "packed.gz" else text.encode(charset))
    lines: list[str] = []
    for share in list_splits(path, parallelism, charset):
        first = TextReader(share, charset, block_size)
        for limit in before:
            lines += first.read(limit) or []
        position = pickle.loads(pickle.dumps(first.position()))
        first.close()
        second = TextReader(share, charset, other_block_size)

        second.seek(position)

        lines += read_all(second, 3)

    assert lines == naive_lines(text.encode())


@given(
    content=contents,
    name=st.sampled_from(["plain.txt", "packed.gz", "wide.utf16"]),
    before=st.integers(1, 4),
    after=st.integers(1, 4),
    read=st.lists(limits, max_size=8),
    block_size=block_sizes,
)
def test_readers_of_another_parallelism_take_over_what_was_left(
    scratch: Path, content: bytes, name: str, before: int, after: int, read: list[int], block_size: int
) -> None:
    text, charset = content.decode("utf-8", "replace"), "utf-16" if name == "wide.utf16" else "utf-8"
    path = scratch / name
    path.write_bytes(gzip.compress(text.encode()) if name == "packed.gz" else text.encode(charset))
    lines: list[str] = []
    positions = []
    for share in list_splits(path, before, charset):
        reader = TextReader(share, charset, block_size)
        for limit in read:
            lines += reader.read(limit) or []
        positions.append(pickle.loads(pickle.dumps(reader.position())))
        reader.close()

    for subtask, share in enumerate(list_splits(path, after, charset)):
        reader = TextReader(share, charset, block_size)
        reader.take_share(positions, subtask, after)
        lines += read_all(reader, 3)

    assert sorted(lines) == sorted(naive_lines(text.encode()))


def test_what_was_left_of_a_file_is_divided_among_more_readers(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("".join(f"{number}\n" for number in range(1000)))
    first = TextReader(list_splits(tmp_path, 1)[0])
    first.read(500)
    shares: list[list[str]] = []
    for subtask in range(4):
        reader = TextReader([])
        reader.take_share([first.position()], subtask, 4)
        shares.append(read_all(reader))
    first.close()

    assert [line for share in shares for line in share] == [str(number) for number in range(500, 1000)]
    assert all(120 < len(share) < 130 for share in shares)


def test_a_position_after_a_seek_is_where_the_reader_continues(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n2\n3\n4\n")
    (share,) = list_splits(tmp_path, 1)
    first, second, third = TextReader(share), TextReader(share), TextReader(share)
    first.read(2)
    second.seek(first.position())
    third.seek(second.position())

    assert read_all(second) == read_all(third) == ["3", "4"]
    first.close()


@pytest.mark.parametrize("parallelism", [1, 2, 4])
def test_200_000_lines_over_many_kinds_of_files_each_come_exactly_once(tmp_path: Path, parallelism: int) -> None:
    expected: list[str] = [f"line {number}: größe {number * 7919 % 1000}" for number in range(200_000)]
    shares = iter([expected[start : start + 40_000] for start in range(0, 200_000, 40_000)])
    (tmp_path / "plain.txt").write_bytes("".join(f"{line}\n" for line in next(shares)).encode())
    (tmp_path / "windows.txt").write_bytes("".join(f"{line}\r\n" for line in next(shares)).encode())
    (tmp_path / "unterminated.txt").write_bytes("\n".join(next(shares)).encode())
    (tmp_path / "empty.txt").touch()
    (tmp_path / "packed.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in next(shares)).encode()))
    (tmp_path / "packed-unterminated.gz").write_bytes(gzip.compress("\r\n".join(next(shares)).encode()))

    subtasks = list_splits(tmp_path, parallelism)
    lines = [line for share in subtasks for line in read_all(TextReader(share), 1000)]

    assert all(subtasks)
    assert len(lines) == 200_000
    assert Counter(lines) == Counter(expected)


def test_a_carriage_return_is_data_unless_it_stands_before_the_end_of_a_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\rb\nc\r\r\nd\r")

    assert lines_at(tmp_path / "a") == ["a\rb", "c\r", "d\r"]


def test_only_newlines_end_lines(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a\x0bb\x0cc\x1cd\x85e\u2028f\n")

    assert lines_at(tmp_path / "a") == ["a\x0bb\x0cc\x1cd\x85e\u2028f"]


@pytest.mark.parametrize("parallelism", [1, 3])
@pytest.mark.parametrize(
    "charset", ["utf-16", "utf-16-le", "utf-32", "shift_jis", "gb18030", "iso2022_jp", "utf-8-sig"]
)
def test_charsets_of_more_than_one_byte_give_their_lines(tmp_path: Path, charset: str, parallelism: int) -> None:
    lines = ["日本語", "", "\u0a0a" if charset.startswith("utf") else "日", "end"] * 1000
    (tmp_path / "a").write_text("\r\n".join(lines), encoding=charset, newline="")

    shares = list_splits(tmp_path, parallelism, charset)

    assert [line for share in shares for line in read_all(TextReader(share, charset))] == lines


def test_a_charset_of_one_byte_is_read_by_ranges(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("größe\r\nщит\n".encode("cp1251", "replace") * 100)

    shares = list_splits(tmp_path, 4, "windows-1251")
    lines = [line for share in shares for line in read_all(TextReader(share, "windows-1251"))]

    assert lines == ["gr??e", "щит"] * 100


def test_byte_ranges_of_a_charset_that_has_none_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-16 cannot be read by byte ranges"):
        TextReader([FileSplit("/tmp/a", 0, 10)], "utf-16")


@pytest.mark.parametrize(("suffix", "compress"), FORMATS)
def test_a_compressed_file_is_read_through_all_its_members(tmp_path: Path, suffix: str, compress: Compress) -> None:
    content = b"".join(b"line %d\n" % number for number in range(100_000))
    path = tmp_path / f"a{suffix.upper()}"
    path.write_bytes(compress(content[:500_001]) + compress(content[500_001:]))

    assert lines_at(path) == naive_lines(content)


@pytest.mark.parametrize(("suffix", "compress"), FORMATS)
def test_a_compressed_file_that_was_cut_short_or_damaged_is_an_error(
    tmp_path: Path, suffix: str, compress: Compress
) -> None:
    whole = compress(os.urandom(50_000).hex().encode())
    for damaged in (whole[:-20], whole[:30_000] + b"damage" + whole[30_006:], b"no such format"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(damaged)

        with pytest.raises(OSError, match=f"cannot read {path}: .") as raised:
            lines_at(path)

        assert raised.value.__cause__ is not None


def test_a_zstandard_file_is_read_through_all_its_frames(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    content = b"".join(b"line %d\n" % number for number in range(100_000))
    compress = zstandard.ZstdCompressor().compress
    path = tmp_path / "a.zst"
    path.write_bytes(compress(content[:500_001]) + compress(b"") + compress(content[500_001:]))

    assert lines_at(path) == naive_lines(content)


def test_a_zstandard_file_that_was_cut_short_or_damaged_is_an_error(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    whole = zstandard.ZstdCompressor().compress(os.urandom(50_000).hex().encode())
    for damaged in (whole[:-2], whole[:10], b"no such format"):
        path = tmp_path / "a.zst"
        path.write_bytes(damaged)

        with pytest.raises(OSError, match=f"cannot read {path}: ."):
            lines_at(path)


def test_a_zstandard_file_without_a_package_for_it_says_which_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    (tmp_path / "a.zst").write_bytes(b"x")

    with pytest.raises(OSError, match=r"a\.zst: .* bin/venv\.sh zstd"):
        lines_at(tmp_path / "a.zst")


def test_a_file_that_is_gone_when_its_turn_comes_is_named(tmp_path: Path) -> None:
    reader = TextReader([FileSplit(str(tmp_path / "gone"), 0, 10)])

    with pytest.raises(OSError, match=f"cannot read {tmp_path}/gone: No such file"):
        reader.read(1)


def test_a_pipe_is_read_until_its_writer_closes_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("a\nb\nc",))
    writer.start()

    lines = lines_at(tmp_path / "pipe")
    writer.join()

    assert lines == ["a", "b", "c"]


def test_a_line_ten_times_as_long_takes_about_ten_times_as_long(tmp_path: Path) -> None:
    def seconds(megabytes: int) -> float:
        path = tmp_path / str(megabytes)
        with path.open("wb") as file:
            for _ in range(megabytes):
                file.write(b"x" * 1_000_000)
        began = time.process_time()
        (line,) = lines_at(path)
        assert len(line) == megabytes * 1_000_000
        return time.process_time() - began

    # Copying what was read with every block would make it a hundred times.
    assert seconds(100) < 40 * max(seconds(10), 0.02)


def test_closing_a_reader_closes_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"1\n2\n"))
    reader = TextReader(list_splits(tmp_path, 1)[0])
    reader.read(1)

    reader.close()

    # A file left open would be a ResourceWarning, and that an error.
    assert reader.read(1) is None


def test_the_beginning_of_each_split_is_told_before_its_first_line(tmp_path: Path) -> None:
    told: list[object] = []
    for name, lines in (("a", 3), ("b", 0), ("c", 2), ("d", 1)):
        (tmp_path / name).write_text(f"{name}\n" * lines)
    reader = TextReader([FileSplit(str(tmp_path / name), 0, None) for name in "abcd"])
    reader.on_split = told.append
    while lines := reader.read(2):
        told += lines
    assert told == [False, "a", "a", "a", False, "c", "c", True, "d"]


@pytest.mark.parametrize(("suffix", "compress"), [("", bytes), FORMATS[0]])
def test_progress_counts_the_lines_that_were_returned(tmp_path: Path, suffix: str, compress: Compress) -> None:
    path = tmp_path / f"lines{suffix}"
    path.write_bytes(compress(b"12345678\n" * 30_000))
    size = path.stat().st_size
    (splits,) = list_splits(str(path), 1)
    reader = TextReader(splits)
    assert reader.progress() == (0, size)
    previous = returned = 0
    while lines := reader.read(1000):
        returned += len(lines)
        progress = reader.progress()
        assert progress is not None
        assert previous <= progress[0] <= size
        previous = progress[0]
        if not suffix:
            # No more than the end of a line that goes over two blocks.
            assert abs(progress[0] - 9 * returned) < 20
    assert reader.progress() == (size, size)
