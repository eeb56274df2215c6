"""A resumed job continues its output where it was, and touches nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from interrupted import LINES
from launched import kill_quietly
from recoverable import lines_of

if TYPE_CHECKING:
    from pathlib import Path

    from interrupted import Numbers

PROGRAM = """
    import slow, sys
    from org.apache.flink.core.fs.FileSystem import WriteMode
    def main(factory):
        env = factory.get_execution_environment()
        mode = WriteMode[sys.argv[2]]
        env.read_text_file(sys.argv[3]).map(slow.parse).write_as_text(sys.argv[1], mode)
        env.execute()
"""
THEIRS = "theirs\n" * 500


@pytest.fixture
def savepoint(numbers: Numbers) -> str:
    """Of a job that has written some lines to ``first``."""
    return stopped(numbers, "first")


def stopped(numbers: Numbers, output: str, *options: str | int, workers: int = 1) -> str:
    arguments = ("-", output, "NO_OVERWRITE", str(numbers.directory / "numbers"))
    process = numbers.start(
        "--stop-with-savepoint", "savepoints", *options, *arguments, script=PROGRAM, workers=workers
    )
    try:
        return numbers.stop(process)
    finally:
        kill_quietly(process)


def resume(numbers: Numbers, savepoint: str, output: str | Path, mode: str, *options: str | int) -> tuple[int, str]:
    arguments = (*options, "-", str(output), mode, str(numbers.directory / "numbers"))
    done = numbers.run(PROGRAM, "-s", savepoint, *arguments)
    return done.code, done.err


@pytest.mark.parametrize(("mode", "width"), [("NO_OVERWRITE", 1), ("OVERWRITE", 2)])
def test_a_resume_with_another_path_is_refused_and_touches_no_file(
    numbers: Numbers, savepoint: str, mode: str, width: int
) -> None:
    first, second = numbers.directory / "first", numbers.directory / "second"
    second.write_text(THEIRS)
    before = first.read_bytes()
    code, err = resume(numbers, savepoint, second, mode, "-p", width)
    assert code == 1
    assert f"wrote to {first}, but its path is now {second}" in err
    assert "--allow-non-restored-state" in err
    assert "in operator 'Sink: " in err
    assert (first.read_bytes(), second.read_text()) == (before, THEIRS)


def test_a_path_that_does_not_exist_yet_is_refused_as_another_path(numbers: Numbers, savepoint: str) -> None:
    code, err = resume(numbers, savepoint, "second", "OVERWRITE")
    assert code == 1
    assert f"but its path is now {numbers.directory / 'second'}" in err
    assert not (numbers.directory / "second").exists()


def test_a_relative_path_resumed_from_another_directory_is_refused(numbers: Numbers, savepoint: str) -> None:
    elsewhere = numbers.directory / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "first").write_text(THEIRS)
    (elsewhere / "slow.py").symlink_to(numbers.directory / "slow.py")
    numbers.launcher.directory = elsewhere
    code, err = resume(numbers, savepoint, "first", "OVERWRITE")
    assert code == 1
    assert f"wrote to {numbers.directory / 'first'}, but its path is now {elsewhere / 'first'}" in err
    assert (elsewhere / "first").read_text() == THEIRS


def test_another_spelling_of_the_path_is_the_same_output(numbers: Numbers, savepoint: str) -> None:
    (numbers.directory / "link").symlink_to("first")
    (numbers.directory / "other").symlink_to(numbers.directory)
    assert resume(numbers, savepoint, "other/link", "NO_OVERWRITE") == (0, "")
    assert lines_of(numbers.directory / "first") == [str(number) for number in range(LINES)]


def test_a_link_that_leads_elsewhere_by_now_is_another_path(numbers: Numbers) -> None:
    for run in ("run-1", "run-2"):
        (numbers.directory / run).mkdir()
    (numbers.directory / "run-2" / "out").write_text(THEIRS)
    current = numbers.directory / "current"
    current.symlink_to("run-1")
    savepoint = stopped(numbers, "current/out")
    current.unlink()
    current.symlink_to("run-2")
    code, err = resume(numbers, savepoint, "current/out", "OVERWRITE")
    assert code == 1
    assert f"wrote to {numbers.directory / 'run-1/out'}, but" in err
    assert (numbers.directory / "run-2" / "out").read_text() == THEIRS


@pytest.mark.parametrize("width", [1, 2])
def test_a_sink_begins_anew_at_another_path_where_that_is_allowed(numbers: Numbers, savepoint: str, width: int) -> None:
    first, second = numbers.directory / "first", numbers.directory / "second"
    before = lines_of(first)
    second.write_text(THEIRS)
    anew = ("--allow-non-restored-state", "-p", width)
    code, err = resume(numbers, savepoint, second, "NO_OVERWRITE", *anew)
    assert (code, second.read_text()) == (1, THEIRS)
    assert f"{second} exists already" in err
    assert resume(numbers, savepoint, second, "OVERWRITE", *anew) == (0, "")
    assert lines_of(first) == before
    assert sorted([*before, *lines_of(second)]) == sorted(str(number) for number in range(LINES))


def test_a_file_that_has_become_shorter_is_refused_before_others_are_touched(numbers: Numbers) -> None:
    savepoint = stopped(numbers, "first", "-p", 3, workers=3)
    first = numbers.directory / "first"
    for name in "123":
        with (first / name).open("a") as file:
            file.write("written since\n")
    (first / "2").write_text("")
    before = {name: (first / name).read_bytes() for name in "123"}
    code, err = resume(numbers, savepoint, "first", "OVERWRITE", "-p", 2)
    assert code == 1
    assert f"cannot resume {first / '2'}: at the checkpoint it had " in err
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before


def test_nothing_is_overwritten_when_another_output_is_refused(numbers: Numbers) -> None:
    for name in ("one", "two"):
        (numbers.directory / name).write_text(THEIRS)
    done = numbers.run("""
        from org.apache.flink.core.fs.FileSystem import WriteMode
        def main(factory):
            env = factory.get_execution_environment()
            words = env.from_elements("a", "b")
            words.write_as_text("one", WriteMode.OVERWRITE)
            words.write_as_text("two")
            env.execute()
    """)
    assert done.code == 1
    assert "two exists already" in done.err
    assert [(numbers.directory / name).read_text() for name in ("one", "two")] == [THEIRS, THEIRS]


def test_the_savepoint_of_a_sink_without_files_lets_it_begin_anew(numbers: Numbers) -> None:
    savepoint = stopped(numbers, "/dev/null")
    theirs = numbers.directory / "theirs"
    theirs.write_text(THEIRS)
    code, err = resume(numbers, savepoint, theirs, "NO_OVERWRITE")
    assert (code, theirs.read_text()) == (1, THEIRS)
    assert "theirs exists already" in err
    assert resume(numbers, savepoint, "fresh", "NO_OVERWRITE") == (0, "")
