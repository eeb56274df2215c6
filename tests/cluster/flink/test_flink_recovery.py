"""With checkpoints, a job survives whatever is killed of its cluster, and every record counts exactly once."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import pytest
from flink_commands import LONG, RESTARTING, kill_one_of, text_of
from launched import finish, kill_quietly, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flink_commands import FlinkCluster, FlinkCommand

# Slow until the file "enough" is there, so that there is time for kills.
SCRIPT = """
import os
import sys
import time

RECORDS = 60000
ENOUGH = os.path.join(os.path.dirname(sys.argv[1]), "enough")

def slow(number):
    if number % 20 == 0 and not os.path.exists(ENOUGH):
        time.sleep(0.08 if number % 30_000 < 20_000 else 0.5)
    return (number % 10, 1)

def main(factory):
    env = factory.get_execution_environment()
    counts = env.generate_sequence(1, RECORDS).map(slow).key_by(lambda pair: pair[0])
    counts = counts.reduce(lambda one, other: (one[0], one[1] + other[1]))
    counts.write_as_text(sys.argv[1])
    counts.filter(lambda pair: pair[1] == RECORDS // 10).output()
    env.execute(sys.argv[2])
"""
RECORDS = 60_000

# One source ends at once, the other soon after the file "enough" is there.
TWO_SOURCES = """
import os
import sys
import time

def slow(number):
    if not os.path.exists(sys.argv[1]):
        time.sleep(0.05)
    return number

def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(0).output()
    env.generate_sequence(1, 100_000).map(slow).filter(lambda number: number % 10_000 == 0).output()
    env.execute("two sources")
"""

# Long enough that it ends after the first checkpoint, which Flink takes soon.
SECONDS = """
import time

def slow(number):
    time.sleep(1)
    return number

def main(factory):
    env = factory.get_execution_environment()
    env.generate_sequence(1, 20).map(slow).output()
    env.execute("seconds")
"""


def expected() -> list[str]:
    return sorted(str((key, count)) for key in range(10) for count in range(1, RECORDS // 10 + 1))


def run_with_kills(flink: FlinkCommand, cluster: FlinkCluster, name: str, victims: Callable[[], list[int]]) -> None:
    """Kills one of ``victims()`` five times, each after another checkpoint."""
    script = flink.write("script.py", SCRIPT)
    output = flink.directory / "out"
    process = flink.start(*RESTARTING, script, "-", output, name)
    begun = kills = 0
    try:
        for _ in range(5):
            assert wait_until(lambda: process.poll() is not None or cluster.checkpoints(name) > begun, LONG)  # noqa: B023
            if process.poll() is None:
                kill_one_of(victims)
                kills += 1
                begun = cluster.checkpoints(name) + 1
        (flink.directory / "enough").touch()
        done = finish(process, LONG)
    finally:
        kill_quietly(process)

    assert done.code == 0, done.err
    assert kills == 5
    assert "Restart 1: " in done.err
    assert text_of(output) == expected()
    assert sorted(line.rpartition("> ")[2] for line in done.lines) == [str((key, RECORDS // 10)) for key in range(10)]


@pytest.mark.timeout(1500)
def test_a_python_worker_is_killed_five_times(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    run_with_kills(flink, cluster, "workers killed", cluster.python_workers)


@pytest.mark.timeout(1500)
def test_a_task_manager_is_killed_five_times(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    run_with_kills(flink, cluster, "managers killed", cluster.busy_task_managers)

    # Python workers of a TaskManager that was killed end by themselves.
    assert wait_until(lambda: not cluster.python_workers(), LONG)


@pytest.mark.timeout(1500)
def test_a_job_does_not_wait_for_the_interval_of_its_checkpoints(flink: FlinkCommand) -> None:
    done = flink.run("-p", "2", "-D", "execution.checkpointing.interval=2 h", flink.write("script.py", SECONDS))

    assert done.code == 0, done.err
    assert sorted(int(line.rpartition("> ")[2]) for line in done.lines) == list(range(1, 21))


@pytest.mark.timeout(1500)
def test_a_job_that_has_begun_anew_does_not_wait_for_the_interval_either(
    flink: FlinkCommand, cluster: FlinkCluster
) -> None:
    name, enough = "two sources", flink.directory / "enough"
    options = (*RESTARTING, "-D", "execution.checkpointing.interval=2 h")
    process = flink.start(*options, flink.write("script.py", TWO_SOURCES), "-", enough)
    try:
        # The client asks each second for what is told early.
        for number in (1, 2, 3):
            assert wait_until(lambda: cluster.take_checkpoint(name) or process.poll() is not None, LONG)
            assert process.poll() is None, number
            time.sleep(1.5)
        kill_one_of(cluster.python_workers)
        assert wait_until(lambda: cluster.checkpoints(name, "restored") > 0, LONG)
        enough.touch()
        done = finish(process, LONG)
    finally:
        kill_quietly(process)

    assert done.code == 0, done.err
    assert sorted(int(line.rpartition("> ")[2]) for line in done.lines) == list(range(0, 100_001, 10_000))


@pytest.mark.timeout(1500)
def test_a_job_stops_with_a_savepoint_and_resumes_from_it(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    script = flink.write("script.py", SCRIPT)
    output, savepoints = flink.directory / "out", flink.directory / "savepoints"
    process = flink.start(*RESTARTING, "--stop-with-savepoint", savepoints, script, "-", output, "saved")
    assert wait_until(lambda: cluster.checkpoints("saved") > 0, LONG)

    def asked() -> bool:
        # Flink declines a savepoint while a task is about to finish.
        process.send_signal(signal.SIGUSR1)
        return wait_until(lambda: saved(savepoints), 30)

    assert wait_until(asked, LONG)
    process.send_signal(signal.SIGINT)
    stopped = finish(process, LONG)

    assert stopped.code == 0, stopped.err
    told = re.findall("^Savepoint: (.*)$", stopped.err, re.MULTILINE)
    assert sorted(told) == [str(path) for path in saved(savepoints)]
    assert len(text_of(output)) < RECORDS
    cluster.await_state("saved", "FINISHED")

    refused = flink.run(*RESTARTING, "-p", "1", "-s", told[-1], script, "-", output, "at one")
    assert refused.code == 1
    assert "a job resumes with the parallelism that it had" in refused.err.replace("\n", " ")
    assert cluster.jobs("at one") == []

    (flink.directory / "enough").touch()
    done = flink.run(*RESTARTING, "-s", told[-1], script, "-", output, "saved")
    assert done.code == 0, done.err
    assert text_of(output) == expected()
    # What a subtask that had finished before has said went to the former client.
    lines = [*stopped.lines, *done.lines]
    assert sorted(line.rpartition("> ")[2] for line in lines) == [str((key, RECORDS // 10)) for key in range(10)]


def saved(directory: Path) -> list[Path]:
    """The savepoints that are complete."""
    return sorted(path.parent for path in directory.glob("*/_metadata"))
