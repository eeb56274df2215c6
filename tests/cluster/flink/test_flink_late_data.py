"""Windows of event time and late records of a Python source are exact, whatever is killed of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flink_commands import LONG, RESTARTING, kill_one_of, text_of
from launched import finish, wait_until

if TYPE_CHECKING:
    from flink_commands import FlinkCluster, FlinkCommand
    from launched import Command

# The source waits for nothing outside of its lock. All that a record costs is taken behind it, until there were enough
# failures: so a checkpoint finds the source where it is about to collect the next record.
SCRIPT = """
import os
import sys
import time

from org.apache.flink.streaming.api import TimeCharacteristic
from org.apache.flink.streaming.api.functions import AssignerWithPunctuatedWatermarks
from org.apache.flink.streaming.api.functions.source import SourceFunction
from org.apache.flink.streaming.api.windowing.time.Time import milliseconds

OUTPUT, LATE, ENOUGH = sys.argv[1:]


class Readings(SourceFunction):
    def __init__(self):
        self.next = 0

    def run(self, ctx):
        while self.next < 6000:
            with ctx.get_checkpoint_lock():
                # Each 50th is a second too late.
                ctx.collect((self.next % 7, self.next * 10 - (1000 if self.next % 50 == 49 else 0)))
                self.next += 1

    def snapshot_state(self):
        return self.next

    def restore_state(self, state):
        self.next = state


class Times(AssignerWithPunctuatedWatermarks):
    def extractTimestamp(self, reading, previous):
        if not os.path.exists(ENOUGH):
            time.sleep(0.02 if reading[1] < 20_000 else 0.5)
        return reading[1]

    def checkAndGetNextWatermark(self, reading, timestamp):
        return timestamp - 100


class Count:
    def apply(self, key, window, values, collector):
        collector.collect((key, window.start, len(values), sum(value[1] for value in values)))


def main(factory):
    env = factory.get_execution_environment()
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    # From one sender, so that the same records are late each time.
    readings = env.add_source(Readings()).assign_timestamps_and_watermarks(Times()).set_parallelism(1)
    windows = readings.key_by(lambda reading: reading[0]).time_window(milliseconds(400), milliseconds(200))
    counts = windows.side_output_late_data("late").apply(Count())
    counts.write_as_text(OUTPUT)
    counts.get_side_output("late").write_as_text(LATE)
    env.execute("late data")
"""
NAME = "late data"


@pytest.mark.timeout(1500)
def test_windows_and_late_records_are_exact_when_a_worker_and_a_task_manager_are_killed(
    flink: FlinkCommand, local: Command, cluster: FlinkCluster
) -> None:
    script, enough = flink.write("script.py", SCRIPT), flink.directory / "enough"
    outputs = [flink.directory / name for name in ("windows", "late")]
    process = flink.start(*RESTARTING, script, "-", *outputs, enough)
    ended = lambda: process.poll() is not None  # noqa: E731 - beside what else may come
    for victims in (cluster.python_workers, cluster.busy_task_managers):
        completed, restored = cluster.checkpoints(NAME), cluster.checkpoints(NAME, "restored")
        assert wait_until(lambda: ended() or cluster.checkpoints(NAME) > completed, LONG)  # noqa: B023
        assert not ended(), process.communicate()
        kill_one_of(victims)
        assert wait_until(lambda: ended() or cluster.checkpoints(NAME, "restored") > restored, LONG)  # noqa: B023
    enough.touch()
    done = finish(process, LONG)

    assert done.code == 0, done.err
    assert "Restart 2: " in done.err
    names = [flink.directory / name for name in ("local-windows", "local-late")]
    local.output("-p", "2", script, "-", *names, enough)
    windows, late = map(text_of, names)
    assert (len(windows) > 2000, len(late)) == (True, 120)
    assert [text_of(path) for path in outputs] == [windows, late]
    # On the cluster's own page the tasks have the names that they have here.
    tasks = {
        "Source: Readings -> Timestamps: Times",
        "Window Apply: Count -> " + " -> ".join(f"Sink: {path}" for path in outputs),
    }
    assert tasks <= {vertex["name"] for vertex in cluster.details(NAME)["vertices"]}
