"""Backpressure, promptness, and that no plan waits for itself."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from launched import PATIENCE, alive, kill_quietly, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Jobs, Launcher


def test_three_exchanges_in_a_row_do_not_wait_for_each_other(jobs: Jobs) -> None:
    """100 000 records, each made 100 of and dropped again, so that every worker sends and gets at full speed."""

    def hundred(value: int, collector: Any) -> None:
        for number in range(100):
            collector.collect(value + number)

    env = jobs.environment(4)
    numbers = env.generate_sequence(1, 2_000).rebalance().flat_map(hundred)
    numbers = numbers.rebalance().map(lambda value: (value % 97, 1))
    counts = numbers.key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts = counts.rebalance().filter(lambda pair: pair[1] % 1000 == 0)
    counts.key_by(lambda pair: pair[0]).reduce(lambda a, b: max(a, b)).output()
    lines = jobs.lines(env)
    assert len(lines) == 97 * 2


@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_amplified_stream_through_three_exchanges_finishes(jobs: Jobs) -> None:
    env = jobs.environment(4)
    numbers = env.generate_sequence(1, 100_000).rebalance()
    numbers = numbers.flat_map(lambda value, out: [out.collect(value) for _ in range(100)]).rebalance()
    pairs = numbers.map(lambda value: (value % 97, 1)).rebalance().map(lambda pair: pair)
    counts = pairs.key_by(lambda pair: pair[0]).count_window(1000).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts.output()
    lines = jobs.lines(env)
    assert sum(1000 for _ in lines) > 10_000_000 - 97 * 1000


def test_two_ways_that_meet_again_do_not_wait_for_each_other(jobs: Jobs) -> None:
    env = jobs.environment(3)
    numbers = env.generate_sequence(1, 30_000)
    ways = numbers.map(lambda v: v).rebalance().union(numbers.filter(lambda v: v % 2 == 0).broadcast())
    ways.map(lambda v: ("all", 1)).key_by(lambda pair: pair[0]).count_window(75_000).reduce(
        lambda a, b: (a[0], a[1] + b[1])
    ).output()
    assert jobs.lines(env) == ["('all', 75000)"]


SLOW_SINK = """
    import resource, sys, time
    from org.apache.flink.api.common.functions import RichMapFunction
    from org.apache.flink.streaming.api.functions.sink import SinkFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction

    class Fast(SourceFunction):
        def run(self, ctx):
            self.stop = time.monotonic() + 2
            while time.monotonic() < self.stop:
                ctx.collect("x" * 10_000)
        def cancel(self):
            self.stop = 0

    class Slow(SinkFunction):
        def invoke(self, value):
            time.sleep(0.001)

    class Memory(RichMapFunction):
        def map(self, value):
            return value
        def close(self):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            sys.stderr.write(f"peak {peak // 1024 if sys.platform == 'darwin' else peak}\\n")

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Fast()).map(Memory()).rebalance().map(Memory()).shuffle().add_sink(Slow())
        env.execute()
"""


def test_a_slow_sink_slows_its_source_instead_of_filling_memory(launcher: Launcher) -> None:
    done = launcher.run(SLOW_SINK, "-p", 2)
    assert done.code == 0, done.err
    peaks = [int(line.split()[1]) for line in done.err.splitlines()]
    assert len(peaks) == 4
    # An interpreter with the engine in it is about 20 MB, and 2 s of this source would be gigabytes.
    assert max(peaks) < 100 * 1024


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_source_that_waits_holds_up_no_window_and_no_record(launcher: Launcher, parallelism: int) -> None:
    """Both records and the window of the first are seen while the source still waits."""
    process = launcher.start(
        """
        import os, time
        from threading import Event
        from org.apache.flink.streaming.api.functions.source import SourceFunction

        class Waiting(SourceFunction):
            def __init__(self):
                self.cancelled = False
            def run(self, ctx):
                ctx.collect("first")
                while not os.path.exists("seen"):
                    time.sleep(0.01)
                ctx.collect("second")
                Event().wait()
            def cancel(self):
                self.cancelled = True

        def main(factory):
            env = factory.get_execution_environment()
            words = env.create_python_source(Waiting())
            words.rebalance().map(lambda word: "record " + word).output()
            keyed = words.key_by(lambda word: 0).time_window(100)
            keyed.reduce(lambda a, b: a).map(lambda word: "window " + word).output()
            env.execute()
        """,
        "-p",
        parallelism,
    )
    assert process.stdout is not None
    try:
        first = [process.stdout.readline().strip().rpartition("> ")[2] for _ in range(2)]
        (launcher.directory / "seen").touch()
        second = [process.stdout.readline().strip().rpartition("> ")[2] for _ in range(2)]
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    assert sorted(first) == ["record first", "window first"]
    assert sorted(second) == ["record second", "window second"]


def test_a_source_that_waits_does_not_hold_up_another_one(jobs: Jobs, tmp_path: Path) -> None:
    """The quick source's records are written while the slow one waits for that."""
    seen = tmp_path / "seen"
    env = jobs.environment(1)

    class Slow:
        def run(self, ctx: Any) -> None:
            assert wait_until(seen.exists)
            ctx.collect("slow")

        def cancel(self) -> None:
            pass

    def note(word: str) -> str:
        seen.touch()
        return word

    env.create_python_source(Slow()).union(env.from_elements("quick")).map(note).output()
    assert jobs.raw_lines(env) == ["quick", "slow"]


FLOOD = """
    import os, time
    from org.apache.flink.api.common.functions import RichMapFunction
    from org.apache.flink.streaming.api.functions.sink import SinkFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction

    class Fast(SourceFunction):
        def __init__(self):
            self.running = True
        def run(self, ctx):
            while self.running:
                ctx.collect(("x" * 100, time.monotonic()))
        def cancel(self):
            self.running = False

    class Known(RichMapFunction):
        def open(self, config):
            with open("pids", "a") as file:
                print(os.getpid(), file=file)
        def map(self, value):
            return value

    class Slow(SinkFunction):
        def invoke(self, value):
            # About a thousand times the time that the source takes for a record; and what is not thrown away when the
            # job is stopped takes far too long.
            time.sleep(0.1 if os.path.exists("stopped") else 0.001)
            if not os.path.exists("begun"):
                open("begun", "w").close()

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Fast()).rebalance().map(Known()).shuffle().add_sink(Slow())
        env.execute()
"""


@pytest.mark.parametrize("seconds", [1, pytest.param(75, marks=pytest.mark.long)])
def test_a_flood_into_a_slow_sink_fills_no_memory_and_stops_at_once(launcher: Launcher, seconds: int) -> None:
    process = launcher.start(FLOOD, "-p", 2)
    try:
        assert wait_until(lambda: (launcher.directory / "begun").exists() and len(workers_of(launcher)) == 2)
        pids = [process.pid, *workers_of(launcher)]
        # Until buffers have the size that they keep.
        time.sleep(min(15, seconds))
        before = [resident_size(pid) for pid in pids]
        time.sleep(max(0, seconds - 15))
        grown = sum(resident_size(pid) for pid in pids) - sum(before)
        (launcher.directory / "stopped").touch()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    assert process.returncode == 130
    assert grown < 5 * 1024
    assert max(before) < 100 * 1024
    assert wait_until(lambda: not any(map(alive, pids)))


def workers_of(launcher: Launcher) -> list[int]:
    """The processes of those that have begun."""
    path = launcher.directory / "pids"
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def resident_size(pid: int) -> int:
    """In KB."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(listed.stdout)
