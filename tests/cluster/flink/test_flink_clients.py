"""What the client has of a job on a Flink cluster while that runs: its records, and the view on a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from flink_commands import LONG
from launched import finish, wait_until
from screens import Screen, Session

if TYPE_CHECKING:
    from flink_commands import FlinkCluster, FlinkCommand

# Each starts Java and Python workers, which takes long where the machine is busy.
pytestmark = pytest.mark.timeout(1500)

# How often a job is run again that took longer than it has to, as the machine was busy.
TRIES = 5

SLOW = """
import time

class Slow:
    def run(self, ctx):
        for number in range(20):
            ctx.collect(time.time())
            time.sleep(0.25)

def main(factory):
    env = factory.get_execution_environment()
    env.add_source(Slow()).rebalance().map(repr).output()
    env.execute("slow")
"""

WAITING = """
import os
import sys
import time

class Waiting:
    def run(self, ctx):
        for number in range(2_000):
            ctx.collect((number % 2, 1))
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.05)

def main(factory):
    env = factory.get_execution_environment()
    pairs = env.add_source(Waiting()).key_by(lambda pair: pair[0])
    pairs.reduce(lambda one, other: (one[0], one[1] + other[1])).filter(lambda pair: pair[1] == 1_000).output()
    env.execute("waiting")
"""


def test_records_of_a_python_source_appear_within_a_second(flink: FlinkCommand) -> None:
    script = flink.write("script.py", SLOW)

    def delays() -> list[float]:
        process = flink.start("-p", "2", script)
        assert process.stdout is not None
        found = [time.time() - float(line.rpartition("> ")[2]) for line in process.stdout]
        assert finish(process, LONG).code == 0
        assert len(found) == 20
        # Before the first one, what it goes to has to start.
        return found[1:]

    assert any(max(delays()) < 1 for _ in range(TRIES))


def test_a_terminal_shows_the_tasks_and_their_records(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    script, enough = flink.write("script.py", WAITING), flink.directory / "enough"
    screen = Screen(100, 24)
    try:
        session = Session(flink, "-p", "2", script, "-", enough, screen=screen)  # pyright: ignore[reportArgumentType]
        seen = [["2.00k", "2.00k"], ["2.00k", "2"]]
        assert wait_until(lambda: shown(screen) == seen or session.process.poll() is not None, LONG), screen.rows
        tasks = shown(screen)
        header = any(row.startswith(" waiting  running") for row in screen.rows)
        enough.touch()
        assert wait_until(lambda: (screen.read(0.05), session.process.poll())[1] is not None, LONG), screen.rows
        while screen.read(0):
            pass
    finally:
        screen.close()

    assert header
    # Of each task, what came in and what went out.
    assert tasks == [["2.00k", "2.00k"], ["2.00k", "2"]]
    assert session.process.returncode == 0
    assert any(line.startswith("waiting finished: 2,000 records in, 2 out, ") for line in screen.lines), screen.lines
    assert sorted(line for line in screen.lines if "1000)" in line) == ["1> (0, 1000)", "2> (1, 1000)"]
    cluster.await_state("waiting", "FINISHED")


def shown(screen: Screen) -> list[list[str]]:
    """The numbers of records, in and out, of each task in the view."""
    screen.read(0.05)
    rows = [row.partition("\u00d72")[2].split() or row.partition("\u00d71")[2].split() for row in screen.rows]
    return [row[:2] for row in rows if row]
