from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_engine.connectors.splits import FileSplit, list_splits

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def sized_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files named by their size in bytes, plain and (by name) compressed."""
    directory = tmp_path_factory.mktemp("sized")
    for size in (0, 1, 2, 10, 1000, 1001):
        (directory / f"{size}.txt").write_bytes(b"x" * size)
        (directory / f"{size}.gz").write_bytes(b"x" * size)
    return directory


def names_read(path: str | Path) -> list[str]:
    (splits,) = list_splits(path, 1)
    return [os.path.basename(split.path) for split in splits]


def sizes(shares: list[list[FileSplit]]) -> list[int]:
    def size(split: FileSplit) -> int:
        return os.path.getsize(split.path) if split.end is None else split.end - split.start

    return [sum(map(size, share)) for share in shares]


@pytest.mark.parametrize("parallelism", [1, 2, 3, 7])
def test_a_file_is_cut_into_equal_ranges_without_gap_or_overlap(sized_files: Path, parallelism: int) -> None:
    shares = list_splits(sized_files / "1000.txt", parallelism)

    assert all(len(share) == 1 for share in shares)
    ranges = [(share[0].start, share[0].end) for share in shares]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 1000
    assert all(end == start for (_, end), (start, _) in pairwise(ranges))
    assert max(sizes(shares)) - min(sizes(shares)) <= 1


@given(parallelism=st.integers(1, 12), names=st.sets(st.sampled_from(["1.txt", "2.txt", "10.txt", "1000.txt"])))
def test_the_splits_of_plain_files_are_balanced_to_the_byte(
    sized_files: Path, tmp_path_factory: pytest.TempPathFactory, parallelism: int, names: set[str]
) -> None:
    directory = tmp_path_factory.mktemp("some")
    for name in names:
        (directory / name).symlink_to(sized_files / name)

    shares = list_splits(directory, parallelism)

    assert sum(sizes(shares)) == sum(os.path.getsize(sized_files / name) for name in names)
    assert max(sizes(shares)) - min(sizes(shares)) <= 1


def test_compressed_files_are_whole_and_plain_ones_fill_up_to_the_same_level(sized_files: Path) -> None:
    shares = list_splits(sized_files, 3)

    compressed = [split for share in shares for split in share if split.path.endswith(".gz")]
    assert sorted(os.path.basename(split.path) for split in compressed) == [
        "1.gz", "10.gz", "1000.gz", "1001.gz", "2.gz"
    ]  # fmt: skip
    assert all((split.start, split.end) == (0, None) for split in compressed)
    assert max(sizes(shares)) - min(sizes(shares)) <= 1


def test_one_subtask_reads_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.gz", "a.txt", "c.txt", "d.bz2"):
        (tmp_path / name).write_bytes(b"x" * len(name))

    assert names_read(tmp_path) == ["a.txt", "b.gz", "c.txt", "d.bz2"]


def test_of_a_directory_neither_hidden_files_nor_sub_directories_are_read(tmp_path: Path) -> None:
    for name in ("a", ".hidden", "_SUCCESS", "_temporary", "b_"):
        (tmp_path / name).write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c").write_text("x")

    assert names_read(tmp_path) == ["a", "b_"]


def test_a_file_that_is_named_is_read_though_hidden(tmp_path: Path) -> None:
    (tmp_path / "_log").write_text("x")

    assert names_read(tmp_path / "_log") == ["_log"]


def test_a_pattern_names_files_and_directories_of_files(tmp_path: Path) -> None:
    (tmp_path / "day1").mkdir()
    (tmp_path / "day2").mkdir()
    for name in ("day1/a", "day2/b", "day2/_b", "day3", "other", "_day4"):
        (tmp_path / name).write_text("x")

    assert names_read(tmp_path / "day*") == ["a", "b", "day3"]
    assert names_read(tmp_path / "[!o]*") == ["a", "b", "day3"]
    assert names_read(tmp_path / "_*") == ["_day4"]
    assert names_read(f"file://{tmp_path}/day?/*") == ["a", "b"]


def test_a_pattern_that_crosses_directories_finds_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("1", "a/2", "a/b/3"):
        (tmp_path / name).write_text("x")

    assert sorted(names_read(tmp_path / "**")) == ["1", "2", "3"]


def test_a_name_that_looks_like_a_pattern_is_a_name_where_such_a_file_exists(tmp_path: Path) -> None:
    for name in ("part[1].txt", "part1.txt"):
        (tmp_path / name).write_text("x")

    assert names_read(tmp_path / "part[1].txt") == ["part[1].txt"]


def test_empty_files_and_directories_have_no_lines(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    assert list_splits(tmp_path, 2) == [[], []]
    assert list_splits(tmp_path / "empty", 1) == [[]]


def test_a_charset_that_cannot_be_read_from_the_middle_is_not_divided(sized_files: Path) -> None:
    for charset in ("utf-16", "utf-8-sig", "gb18030", "iso2022_jp", "utf-7", "cp037"):
        shares = list_splits(sized_files / "1000.txt", 2, charset)

        assert shares == [[FileSplit(str(sized_files / "1000.txt"), 0, None)], []]


def test_the_usual_charsets_are_divided(sized_files: Path) -> None:
    for charset in ("UTF-8", "US-ASCII", "ISO-8859-1", "windows-1252", "koi8-r"):
        assert all(list_splits(sized_files / "1000.txt", 2, charset))


def test_a_pipe_is_read_to_its_end_by_one_subtask(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert list_splits(tmp_path / "pipe", 2) == [[FileSplit(str(tmp_path / "pipe"), 0, None)], []]


def test_a_missing_path_says_which_part_of_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing_file:
        list_splits(tmp_path / "no.txt", 1)
    with pytest.raises(FileNotFoundError) as missing_directory:
        list_splits(tmp_path / "dir" / "sub" / "no.txt", 1)

    assert str(missing_file.value) == f"there is no file or directory {tmp_path}/no.txt"
    assert str(missing_directory.value) == (
        f"there is no file or directory {tmp_path}/dir/sub/no.txt ({tmp_path}/dir does not exist either)"
    )


def test_a_pattern_without_a_match_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "_a.txt").write_text("x")

    with pytest.raises(FileNotFoundError, match=r"no file matches .*/\*\.txt"):
        list_splits(tmp_path / "*.txt", 1)


def test_an_unknown_charset_is_an_error_before_anything_is_read(sized_files: Path) -> None:
    for charset in ("utf-88", "hex"):
        with pytest.raises(ValueError, match=f"'{charset}' is not a charset"):
            list_splits(sized_files, 1, charset)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0)

    with pytest.raises(PermissionError, match=r"cannot read .*/a"):
        list_splits(tmp_path, 1)


@pytest.mark.parametrize("target", ["nowhere", "link"])
@pytest.mark.parametrize("pattern", ["", "*"])
def test_a_link_that_leads_nowhere_or_to_itself_is_skipped_and_named(tmp_path: Path, pattern: str, target: str) -> None:
    (tmp_path / "a.txt").write_text("line\n")
    (tmp_path / "link").symlink_to(tmp_path / target)
    skipped: list[str] = []
    splits = list_splits(tmp_path / pattern, 1, on_skipped=skipped.append)
    assert splits == [[FileSplit(str(tmp_path / "a.txt"), 0, 5)]]
    assert skipped == [str(tmp_path / "link")]


def test_a_link_to_itself_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "link")
    with pytest.raises(FileNotFoundError, match="there is no file or directory"):
        list_splits(tmp_path / "link", 1)
