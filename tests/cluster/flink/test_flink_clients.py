"""What the client has of a job on a Flink cluster while that runs: its records, and the view on a terminal."""

from __future__ import annotations

import time
from statistics import median
from threading import Timer
from typing import TYPE_CHECKING

import pytest
from flink_commands import LONG
from launched import finish, wait_until
from machine_load import MachineLoad
from screens import Screen, Session

if TYPE_CHECKING:
    from flink_commands import FlinkCluster, FlinkCommand

# Each starts Java and Python workers, which takes long where the machine is busy.
pytestmark = pytest.mark.timeout(1500)

# Each record but the first is collected only when the one before it was seen at the client.
RECORDS = 20
ANSWERED = """
import os
import sys
import time

class Answered:
    def __init__(self):
        self.next = 0

    def run(self, ctx):
        while self.next < RECORDS:
            with ctx.get_checkpoint_lock():
                ctx.collect(time.time())
                self.next += 1
            while not os.path.exists(f"{sys.argv[1]}-{self.next}"):
                time.sleep(0.01)

    def snapshot_state(self):
        return self.next

    def restore_state(self, state):
        self.next = state

def main(factory):
    env = factory.get_execution_environment()
    env.add_source(Answered()).rebalance().map(repr).output()
    env.execute("answered")
""".replace("RECORDS", str(RECORDS))

LOADED = """
import sys

def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(1).output()
    env.execute("loaded")
    print(next((name for name in sys.modules if name.startswith("apache_beam")), None))
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


def delays(flink: FlinkCommand, *options: str) -> list[float]:
    """How many seconds each record of ANSWERED took to come to the terminal."""
    script, seen = flink.write("script.py", ANSWERED), flink.directory / "seen"
    process = flink.start("-p", "2", *options, script, "-", seen)
    assert process.stdout is not None
    # A record that is held back until there are others never comes.
    timer = Timer(LONG, process.kill)
    timer.start()
    found: list[float] = []
    try:
        for line in process.stdout:
            found.append(time.time() - float(line.rpartition("> ")[2]))
            (flink.directory / f"seen-{len(found)}").touch()
    finally:
        timer.cancel()
    done = finish(process, LONG)
    assert done.code == 0, done.err
    assert len(found) == RECORDS
    return found


def test_records_of_a_python_source_appear_within_a_second(flink: FlinkCommand) -> None:
    with MachineLoad() as machine:
        found = delays(flink)

    # Before the first one, what it goes to has to start; one of the others may be the one that was interrupted.
    assert median(found[1:]) < machine.slowness


def test_with_checkpoints_records_of_a_python_source_appear_while_it_waits_for_that(flink: FlinkCommand) -> None:
    assert delays(flink, "-D", "execution.checkpointing.interval=300 ms")


# The interval is longer than the test.
@pytest.mark.parametrize("options", [(), ("-D", "execution.checkpointing.interval=2 h")], ids=["plain", "checkpointed"])
def test_a_terminal_shows_the_tasks_and_their_records(
    flink: FlinkCommand, cluster: FlinkCluster, options: tuple[str, ...]
) -> None:
    script, enough = flink.write("script.py", WAITING), flink.directory / "enough"
    screen = Screen(100, 24)
    try:
        words = ("-p", "2", *options, script, "-", enough)
        session = Session(flink, *words, screen=screen)  # pyright: ignore[reportArgumentType]
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


def test_a_client_does_not_load_what_only_workers_need(flink: FlinkCommand) -> None:
    done = flink.run(flink.write("script.py", LOADED))

    assert (done.code, done.lines) == (0, ["1", "None"]), done.err


def shown(screen: Screen) -> list[list[str]]:
    """The numbers of records, in and out, of each task in the view."""
    screen.read(0.05)
    rows = [row.partition("\u00d72")[2].split() or row.partition("\u00d71")[2].split() for row in screen.rows]
    return [row[:2] for row in rows if row]
