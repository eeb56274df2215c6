from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stream_engine.connectors.text_output import check_resumed, prepare_output, resume_output
from stream_engine.connectors.text_writer import TextWriter

if TYPE_CHECKING:
    from collections.abc import Iterator


def write(path: Path, parallelism: int, overwrite: bool = False) -> None:
    """Runs a small job: each subtask writes its own number."""
    output = prepare_output(path, parallelism, overwrite)
    for subtask in range(parallelism):
        writer = TextWriter(output, subtask, parallelism)
        writer.write([f"line of {subtask}"])
        writer.close()


def test_one_writer_writes_the_file_and_several_write_numbered_files_in_a_directory(tmp_path: Path) -> None:
    write(tmp_path / "new" / "parents" / "one", 1)
    write(tmp_path / "new" / "parents" / "three", 3)

    assert (tmp_path / "new" / "parents" / "one").read_text() == "line of 0\n"
    results = {path.name: path.read_text() for path in (tmp_path / "new" / "parents" / "three").iterdir()}
    assert results == {"1": "line of 0\n", "2": "line of 1\n", "3": "line of 2\n"}


def test_a_url_and_a_relative_path_mean_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert prepare_output("an output", 1, False) == str(tmp_path / "an output")
    assert prepare_output(f"file://{tmp_path}/an%20output", 1, True) == str(tmp_path / "an output")


def test_lines_are_utf_8_and_what_is_no_character_is_replaced(tmp_path: Path) -> None:
    writer = TextWriter(tmp_path / "a", 0, 1)

    writer.write(["größe", "", "a\udcffb", "\ud83d"])
    writer.write([])
    writer.close()

    assert (tmp_path / "a").read_bytes() == "größe\n\na\ufffdb\n\ufffd\n".encode()


def test_a_file_is_made_even_when_no_line_comes(tmp_path: Path) -> None:
    TextWriter(prepare_output(tmp_path / "a", 1, False), 0, 1).close()

    assert (tmp_path / "a").read_bytes() == b""


def test_flushed_lines_are_in_the_file_while_the_writer_continues(tmp_path: Path) -> None:
    writer = TextWriter(tmp_path / "a", 0, 1)

    writer.write(["one", "two"])
    writer.flush()
    flushed = (tmp_path / "a").read_text()
    writer.close()

    assert flushed == "one\ntwo\n"


def test_many_lines_reach_the_file_without_a_flush(tmp_path: Path) -> None:
    writer = TextWriter(tmp_path / "a", 0, 1)

    for _ in range(100):
        writer.write(["x" * 99] * 100)
    before_close = (tmp_path / "a").stat().st_size
    writer.close()

    assert 500_000 < before_close < (tmp_path / "a").stat().st_size + 1
    assert (tmp_path / "a").read_text() == ("x" * 99 + "\n") * 10_000


@pytest.mark.parametrize("parallelism", [1, 2])
def test_without_overwrite_whatever_exists_is_an_error_and_stays(tmp_path: Path, parallelism: int) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "directory").mkdir()

    for name in ("file", "directory"):
        with pytest.raises(FileExistsError, match=f"{name} exists already.*WriteMode.OVERWRITE"):
            prepare_output(tmp_path / name, parallelism, overwrite=False)

    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "directory").is_dir()


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 2), (2, 1), (4, 2), (2, 4)])
def test_overwrite_replaces_the_result_of_an_earlier_run(tmp_path: Path, before: int, after: int) -> None:
    write(tmp_path / "again", before)
    write(tmp_path / "again", after, overwrite=True)
    write(tmp_path / "fresh", after)

    def results(path: Path) -> dict[str, str]:
        files = [path] if path.is_file() else list(path.iterdir())
        return {str(file.relative_to(path)): file.read_text() for file in files}

    assert results(tmp_path / "again") == results(tmp_path / "fresh")


def test_overwrite_deletes_nothing_but_numbered_files(tmp_path: Path) -> None:
    write(tmp_path / "out", 3)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out" / "sub").mkdir()

    write(tmp_path / "out", 2, overwrite=True)

    assert sorted(os.listdir(tmp_path / "out")) == ["1", "2", "notes.txt", "sub"]


def test_overwrite_refuses_to_replace_a_directory_that_holds_other_things(tmp_path: Path) -> None:
    write(tmp_path / "out", 3)
    (tmp_path / "out" / "notes.txt").write_text("mine")

    with pytest.raises(FileExistsError, match=r"holds more than results \(notes\.txt\): nothing was deleted"):
        prepare_output(tmp_path / "out", 1, overwrite=True)

    assert sorted(os.listdir(tmp_path / "out")) == ["1", "2", "3", "notes.txt"]


def test_overwrite_refuses_a_directory_in_the_place_of_a_result(tmp_path: Path) -> None:
    (tmp_path / "out" / "2").mkdir(parents=True)

    with pytest.raises(FileExistsError, match=r"holds more than results \(2\)"):
        prepare_output(tmp_path / "out", 2, overwrite=True)


def test_overwrite_writes_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")

    write(tmp_path / "link", 1, overwrite=True)

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "line of 0\n"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_device_is_written_to_as_it_is(overwrite: bool) -> None:
    write(Path(os.devnull), 1, overwrite)

    assert Path(os.devnull).is_char_device()


def test_an_output_below_a_file_is_an_error_that_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(OSError, match=f"cannot write to {tmp_path}/file/out"):
        prepare_output(tmp_path / "file" / "out", 1, overwrite=False)


def test_a_writer_that_cannot_open_its_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"cannot write to {tmp_path}/gone/2: No such file"):
        TextWriter(tmp_path / "gone", 1, 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written_to_is_an_error_before_the_job_starts(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(PermissionError, match=r"cannot write to .*/out: Permission denied"):
        prepare_output(tmp_path / "out", 1, overwrite=False)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Makes writing past ``size`` bytes fail as on a full disk; Python ignores the signal that goes with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_whenever_the_space_runs_out_the_file_ends_with_a_whole_line(tmp_path: Path) -> None:
    writer = TextWriter(tmp_path / "a", 0, 1)
    writer.write(["first"])
    writer.flush()
    contents: list[str] = []

    for limit in (1000, 2000):
        writer.write(["x" * 29] * 100)
        with file_size_limit(limit), pytest.raises(OSError, match=f"cannot write to {tmp_path}/a: ."):
            writer.flush()
        contents.append((tmp_path / "a").read_text())
    writer.write(["there is room again"])
    writer.close()

    assert contents == ["first\n" + ("x" * 29 + "\n") * lines for lines in (33, 66)]
    assert (tmp_path / "a").read_text() == contents[-1] + "there is room again\n"


# --- resuming from a checkpoint --------------------------------------------------------------------------------------


def resumed(path: Path, width: int, positions: list[dict[int, int]]) -> None:
    """Each writer resumes where ``positions`` says, and writes another line."""
    output = resume_output(path, width)
    for subtask in range(width):
        writer = TextWriter(output, subtask, width, positions[subtask])
        writer.write([f"more of {subtask}"])
        writer.close()


def test_a_position_is_the_size_of_all_that_was_written(tmp_path: Path) -> None:
    writer = TextWriter(tmp_path / "a", 0, 1)
    writer.write(["größe", "b"])

    assert writer.position() == len("größe\nb\n".encode())
    assert (tmp_path / "a").read_text() == "größe\nb\n"
    writer.close()


def test_a_device_has_no_position_that_one_could_go_back_to() -> None:
    writer = TextWriter("/dev/null", 0, 1)
    writer.write(["a"])

    assert writer.position() is None
    writer.close()


def test_what_was_written_after_the_checkpoint_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("kept\nlost\nto")

    resumed(tmp_path / "a", 1, [{0: len("kept\n")}])

    assert (tmp_path / "a").read_text() == "kept\nmore of 0\n"


def test_files_that_were_not_there_at_the_checkpoint_are_deleted_and_others_stay(tmp_path: Path) -> None:
    for name in ("1", "2", "3", "10", "notes"):
        (tmp_path / name).write_text("old\nnew\n")

    resumed(tmp_path, 2, [{0: 4}, {1: 4}])

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "1": "old\nmore of 0\n",
        "2": "old\nmore of 1\n",
        "notes": "old\nnew\n",
    }


def test_with_fewer_writers_the_other_files_stay_as_at_the_checkpoint(tmp_path: Path) -> None:
    for name in "1234":
        (tmp_path / name).write_text("old\nnew\n")

    resumed(tmp_path, 1, [{0: 4, 1: 0, 2: 8}])

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "1": "old\nmore of 0\n",
        "2": "",
        "3": "old\nnew\n",
    }


def test_with_more_writers_the_file_of_one_becomes_the_first_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old\nnew\n")

    resumed(tmp_path / "a", 2, [{0: 4}, {}])

    assert {path.name: path.read_text() for path in (tmp_path / "a").iterdir()} == {
        "1": "old\nmore of 0\n",
        "2": "more of 1\n",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_output_that_becomes_a_directory_does_not_overwrite_a_file_beside_it(tmp_path: Path) -> None:
    for name in ("a", "a.1"):
        (tmp_path / name).write_text("old\n")

    resumed(tmp_path / "a", 2, [{0: 4}, {}])

    assert (tmp_path / "a.1").read_text() == "old\n"
    assert (tmp_path / "a" / "1").read_text() == "old\nmore of 0\n"


def test_what_is_in_the_way_of_the_directory_is_named_and_stays(tmp_path: Path) -> None:
    for name in ("a", "a.resumed"):
        (tmp_path / name).write_text("old\n")

    with pytest.raises(OSError, match=r"cannot write to .*/a: .*/a\.resumed is in the way"):
        resume_output(tmp_path / "a", 2)

    assert [(tmp_path / name).read_text() for name in ("a", "a.resumed")] == ["old\n", "old\n"]


@pytest.mark.parametrize("width", [1, 2])
def test_a_run_that_was_killed_while_the_file_became_a_directory_loses_nothing(tmp_path: Path, width: int) -> None:
    (tmp_path / "a.resumed").mkdir()
    (tmp_path / "a.resumed" / "1").write_text("old\nnew\n")

    check_resumed(tmp_path / "a", {0: 4})
    resumed(tmp_path / "a", width, [{0: 4}, {}])

    assert (tmp_path / "a" / "1").read_text() == "old\nmore of 0\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_output_that_is_a_link_stays_one_when_it_becomes_a_directory(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old\n")
    (tmp_path / "link").symlink_to("target")

    resumed(tmp_path / "link", 2, [{0: 4}, {}])

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target" / "1").read_text() == "old\nmore of 0\n"


def test_an_empty_file_that_is_gone_is_made_again(tmp_path: Path) -> None:
    check_resumed(tmp_path / "a", {0: 0})

    resumed(tmp_path / "a", 1, [{0: 0}])

    assert (tmp_path / "a").read_text() == "more of 0\n"


@pytest.mark.parametrize("sizes", [{0: 9}, {0: 8, 1: 1}])
def test_files_that_have_less_than_at_the_checkpoint_are_named(tmp_path: Path, sizes: dict[int, int]) -> None:
    (tmp_path / "a").write_text("old\nnew\n")

    with pytest.raises(OSError, match=r"cannot resume .*: at the checkpoint it had . bytes, "):
        check_resumed(tmp_path / "a", sizes)
    check_resumed(tmp_path / "a", {0: 8, 1: 0})


def test_a_result_that_has_become_shorter_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("short")

    with pytest.raises(OSError, match=f"cannot write to {tmp_path}/a: at the checkpoint it had 6 bytes, of which some"):
        TextWriter(tmp_path / "a", 0, 1, {0: 6})
    assert (tmp_path / "a").read_text() == "short"
    with pytest.raises(OSError, match=f"cannot write to {tmp_path}/gone: at the checkpoint it had 6 bytes"):
        TextWriter(tmp_path / "gone", 0, 1, {0: 6})
