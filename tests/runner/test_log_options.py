"""The options -v and --log-file."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from launched import Command

SCRIPT = """
    import logging
    log = logging.getLogger("mine")
    def told(value):
        log.debug("a detail")
        log.info("something")
        log.warning("a warning")
        return value
    def main(factory):
        log.info("main")
        env = factory.get_execution_environment()
        env.from_elements("record").map(told).name("told").output()
        env.execute("telling")
"""
LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3} (?P<level>[A-Z]+) +(?P<logger>\S+) \[(?P<place>[^]]+)\]: (?P<text>.*)")


def entries(log: str) -> list[tuple[str, str, str, str]]:
    """Level, logger, place and text of each line."""
    found = [LINE.fullmatch(line) for line in log.splitlines()]
    assert all(found), log
    return [(entry["level"], entry["logger"], entry["place"], entry["text"]) for entry in found if entry]


def test_one_v_logs_what_happens(command: Command) -> None:
    command.write("s.py", SCRIPT)
    done = command.run("-v", "s.py")
    assert (done.returncode, done.stdout) == (0, "record\n")
    main, start, task, something, warning, outcome, end = entries(done.stderr)
    assert main == ("INFO", "mine", "MainThread", "main")
    assert start[:2] == ("INFO", "stream_engine")
    assert re.fullmatch(r"Job 'telling' \([0-9a-f]{32}\) starts; tasks: 1, workers: 1", start[3])
    assert task[3] == "Task 1 of parallelism 1: Source: from_elements -> told -> Sink: output()"
    assert something == ("INFO", "mine", "told (1/1)", "something")
    assert warning == ("WARNING", "mine", "told (1/1)", "a warning")
    assert outcome[:2] == ("INFO", "pyflink_stream")
    assert re.fullmatch(r"telling finished: 1 record in, 1 out, \d+\.\d+ s, \d+/s", outcome[3])
    assert re.fullmatch(r"Job 'telling' finished after [0-9.]+ s", end[3])


def test_two_vs_log_details(command: Command) -> None:
    script = command.write("s.py", SCRIPT)
    log = entries(command.run("s.py", "-vv", "-D", "parallelism.default=2").stderr)
    assert ("DEBUG", "pyflink_stream", "MainThread", f"Script {script}, packages: none") in log
    details = [text for level, logger, _, text in log if (level, logger) == ("DEBUG", "mine")]
    assert details == ["a detail"]
    assert sum(text == "has finished" for _, _, _, text in log) == 3


def test_without_v_only_warnings_are_told(command: Command) -> None:
    command.write("s.py", SCRIPT)
    done = command.run("s.py")
    assert (done.stdout, done.stderr) == ("record\n", "WARNING mine [told (1/1)]: a warning\n")


def test_a_log_file_has_what_happens_and_the_terminal_the_warnings(command: Command) -> None:
    command.write("s.py", SCRIPT)
    done = command.run("--log-file", "job.log", "s.py")
    assert (done.returncode, done.stdout) == (0, "record\n")
    assert entries(done.stderr) == [("WARNING", "mine", "told (1/1)", "a warning")]
    once = entries((command.directory / "job.log").read_text())
    assert [text for _, logger, _, text in once if logger == "mine"] == ["main", "something", "a warning"]
    command.run("--log-file", "job.log", "-vv", "s.py")
    both = entries((command.directory / "job.log").read_text())
    assert both[: len(once)] == once
    assert [text for _, logger, _, text in both[len(once) :] if logger == "mine"] == [
        "main",
        "a detail",
        "something",
        "a warning",
    ]


def test_a_failed_job_says_so_in_the_log(command: Command) -> None:
    command.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(0).map(lambda value: 1 / value).output()
            env.execute()
        """,
    )
    done = command.run("s.py", "--log-file", "job.log")
    assert done.returncode == 1
    assert "Job 'Flink Streaming Job' failed after" in (command.directory / "job.log").read_text()


@pytest.mark.parametrize(("path", "reason"), [("gone/job.log", "No such file or directory"), (".", "Is a directory")])
def test_a_log_file_that_cannot_be_written_is_refused_before_anything_runs(
    command: Command, path: str, reason: str
) -> None:
    command.write("s.py", SCRIPT)
    done = command.run("--log-file", path, "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: --log-file {path}: cannot be written to: {reason}\n")


FULL = "/dev/full"


@pytest.mark.skipif(not os.path.exists(FULL), reason="there is no device that is always full")
def test_a_log_file_on_a_full_disk_is_reported_once_and_the_job_continues(command: Command) -> None:
    command.write("s.py", SCRIPT)
    done = command.run("--log-file", FULL, "s.py")
    assert (done.returncode, done.stdout) == (0, "record\n")
    warning, message = done.stderr.splitlines()
    assert warning == (
        "Warning: --log-file /dev/full: cannot be written to: No space left on device; "
        "lines of the log are missing there"
    )
    assert message.endswith("a warning")
