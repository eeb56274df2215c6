"""The work that the status of a job shows."""

from __future__ import annotations

import gzip
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from launched import wait_until

from stream_engine.api.functions import RichMapFunction, RichSourceFunction
from stream_engine.api.time import TimeCharacteristic
from stream_engine.api.watermarks import AssignerWithPunctuatedWatermarks
from stream_engine.job import JobExecutionException
from stream_engine.metrics import MetricValue

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Jobs
    from watched import Watched

    from stream_engine.status import JobStatus


@pytest.mark.parametrize("parallelism", [1, 2, 3])
def test_every_record_is_counted_once_where_it_comes_in_and_goes_out(watched: Watched, parallelism: int) -> None:
    env = watched.environment(parallelism)
    numbers = env.generate_sequence(1, 5000).name("numbers")
    evens = numbers.filter(lambda number: number % 2 == 0).name("evens")
    both = evens.union(env.from_elements(1, 2, 3).name("elements")).map(lambda number: (number % 7, 1)).name("pairs")
    counts = both.key_by(lambda pair: pair[0]).reduce(lambda one, other: (one[0], one[1] + other[1])).name("counts")
    counts.output().name("printed")
    seen: list[Any] = []
    both.add_sink(seen.append).name("kept")

    env.execute("counting")

    assert (watched.task("numbers").records_in, watched.task("evens").records_out) == (5000, 2500)
    assert (watched.task("elements").records_in, watched.task("elements").records_out) == (3, 3)
    assert watched.task("pairs").records_in == 2503
    assert watched.task("pairs").records_out == (0 if parallelism == 1 else 2503)
    last = watched.statuses[-1]
    assert last.records_read == 5003
    assert last.records_written == 2 * 2503
    assert last.name == "counting"
    assert last.state == "FINISHED"
    assert all(task.finished and len(task.subtasks) == task.parallelism for task in last.tasks)


@pytest.mark.parametrize("parallelism", [1, 2])
def test_records_of_a_source_function_are_counted(watched: Watched, parallelism: int) -> None:
    class Numbers:
        def run(self, context: Any) -> None:
            for number in range(1000):
                context.collect(number)

    env = watched.environment(parallelism)
    env.create_python_source(Numbers()).name("numbers").map(lambda number: number).name("mapped").add_sink(print)

    env.execute()

    assert watched.task("numbers").records_in == 1000
    assert watched.statuses[-1].records_written == 1000


def test_all_records_that_a_sink_function_takes_behind_a_flat_map_are_counted(watched: Watched) -> None:
    lines = 60_000

    def repeat(number: int, out: Any) -> None:
        for _ in range(4):
            out.collect(number)

    env = watched.environment(1)
    env.generate_sequence(1, lines).flat_map(repeat).add_sink(lambda number: None)

    env.execute()

    last = watched.statuses[-1]
    assert (last.records_read, last.records_written) == (lines, 4 * lines)


def test_the_record_that_a_sink_fails_at_is_named_while_its_calls_are_counted(watched: Watched) -> None:
    env = watched.environment(1)
    env.from_elements("1", "x").flat_map(lambda text, out: out.collect(text)).add_sink(int).name("numbers")

    with pytest.raises(JobExecutionException, match=r"in operator 'numbers' .*\n  with the record 'x'"):
        env.execute()


def test_what_windows_emit_as_time_passes_is_counted(watched: Watched) -> None:
    env = watched.environment(1)
    pairs = env.generate_sequence(1, 1000).map(lambda number: (number, 1))
    pairs.key_by(lambda pair: pair[0]).time_window(10).reduce(lambda one, other: one).add_sink(lambda pair: None)

    env.execute()

    assert watched.statuses[-1].records_written == 1000


def test_bytes_are_those_between_workers(watched: Watched) -> None:
    env = watched.environment(2)
    env.generate_sequence(1, 1000).name("numbers").rebalance().map(lambda number: number).name("mapped")

    env.execute()

    sent = sum(subtask.bytes_out for subtask in watched.task("numbers").subtasks)
    received = sum(subtask.bytes_in for subtask in watched.task("mapped").subtasks)
    assert sent == received > 1000


@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_slow_task_is_the_busy_one_and_holds_up_those_before_it(watched: Watched, parallelism: int) -> None:
    """At any parallelism half of the records, or all, reach the slow task within another's batch."""

    def slow(number: int) -> int:
        time.sleep(0.002)
        return number

    env = watched.environment(parallelism)
    numbers = env.generate_sequence(1, 600).name("fast").rebalance()
    # Two inputs, so that there are two tasks at parallelism 1, too.
    numbers.union(env.from_elements(0)).map(slow).name("slow")

    env.execute()

    # Those of the worker that is done first are idle until the other one is.
    for fast in watched.task("fast").subtasks:
        assert fast.backpressured > fast.busy
    for subtask in watched.task("slow").subtasks:
        assert subtask.busy > 500  # ms, of 300 records at least
        assert subtask.backpressured == 0


def test_a_source_that_a_checkpoint_keeps_waiting_is_held_up(watched: Watched, tmp_path: Path) -> None:
    def slow(record: object) -> object:
        time.sleep(0.001)
        return record

    options = {"execution__checkpointing__interval": 50, "state__checkpoints__dir": str(tmp_path)}
    env = watched.environment(2, **options)
    # So large that few fit into a frame.
    records = env.generate_sequence(1, 4000).name("numbers").map(lambda number: (number, "x" * 10_000))
    records.key_by(lambda record: record[0] % 50).reduce(max).rebalance().map(slow).name("slow").add_sink(bool)
    env.execute()
    for source in watched.task("numbers").subtasks:
        assert source.backpressured > source.busy + source.idle


def test_a_source_that_waits_is_idle_and_one_whose_chain_takes_long_is_busy(watched: Watched) -> None:
    class Ticks:
        def __init__(self, pause: float) -> None:
            self.pause = pause

        def run(self, context: Any) -> None:
            for number in range(100):
                time.sleep(self.pause)
                context.collect(number)

    def slow(number: int) -> int:
        time.sleep(0.004)
        return number

    env = watched.environment()
    env.create_python_source(Ticks(0.004)).name("waiting").map(lambda number: number)
    env.execute()
    (waiting,) = watched.task("waiting").subtasks
    env.create_python_source(Ticks(0)).name("working").map(slow)
    env.execute()
    (working,) = watched.task("working").subtasks

    assert waiting.idle > waiting.busy + waiting.backpressured
    assert working.busy > working.idle + working.backpressured


def test_a_record_that_takes_long_is_reported_while_it_does(watched: Watched, tmp_path: Path) -> None:
    seen, reported = tmp_path / "seen", set[int]()

    def stuck(_: int) -> None:
        assert wait_until(seen.exists)

    def look(status: JobStatus) -> None:
        reported.update(task.subtasks[0].busy for task in status.tasks if "stuck" in task.operators)
        # More than one while the record is there.
        if len(reported - {0}) > 1:
            seen.touch()

    watched.look = look
    env = watched.environment()
    env.from_elements(1).name("quick").union(env.from_elements()).map(stuck).name("stuck")

    env.execute()

    assert seen.exists()


@pytest.mark.parametrize("parallelism", [1, 2])
def test_bounded_sources_tell_how_far_they_have_come(watched: Watched, tmp_path: Path, parallelism: int) -> None:
    text = "".join(f"line {number}\n" for number in range(20_000)).encode()
    (tmp_path / "plain.txt").write_bytes(text)
    packed = gzip.compress(text)
    (tmp_path / "packed.gz").write_bytes(packed)
    slow, seen = 3 * len(text) // 4, tmp_path / "seen"

    def wait(line: str) -> None:
        if line == "line 15000":
            assert wait_until(seen.exists)

    def look(status: JobStatus) -> None:
        found = [task.progress for task in status.tasks if "plain" in task.operators]
        if any(each and abs(each.done - slow) < len(text) // 4 for each in found):
            seen.touch()

    watched.look = look
    env = watched.environment(parallelism)
    env.read_text_file(str(tmp_path / "plain.txt")).name("plain").map(wait)
    env.read_text_file(str(tmp_path / "packed.gz")).name("packed")
    env.generate_sequence(1, 5000).name("sequence")
    env.from_elements(*range(3000)).name("elements")
    env.from_collection(range(2000)).name("range")

    env.execute()

    def progress(name: str) -> list[tuple[int, int, str]]:
        found = [task.progress for status in watched.statuses for task in status.tasks if name in task.operators]
        return [(each.done, each.total, each.unit) for each in found if each]

    assert progress("plain")[-1] == (len(text), len(text), "bytes")
    assert any(0 < done < total for done, total, _ in progress("plain"))
    assert progress("packed")[-1] == (len(packed), len(packed), "bytes")
    assert progress("sequence")[-1] == (5000, 5000, "records")
    assert progress("elements")[-1] == (3000, 3000, "records")
    assert progress("range")[-1] == (2000, 2000, "records")


@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_progress_of_a_failed_job_stays_what_it_was(watched: Watched, tmp_path: Path, parallelism: int) -> None:
    text = "".join(f"line {number}\n" for number in range(50_000))
    (tmp_path / "lines.txt").write_text(text)
    env = watched.environment(parallelism)
    lines = env.read_text_file(str(tmp_path / "lines.txt")).name("lines")
    numbers = env.generate_sequence(1, 50_000).name("numbers").map(str)
    elements = env.from_elements(*map(str, range(50_000))).name("elements")

    def fail(record: str) -> None:
        raise ValueError(record)

    lines.union(numbers, elements).map(fail)
    with pytest.raises(JobExecutionException):
        env.execute()

    for name in ("lines", "numbers", "elements"):
        progress = watched.task(name).progress
        assert progress is not None
        assert 0 <= progress.done < progress.total / 2


def test_the_watermark_is_that_of_the_slowest_input(watched: Watched, tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    class Timed:
        def run(self, context: Any) -> None:
            for number in range(10):
                context.collect_with_timestamp(number, number * 100)
                context.emit_watermark(number * 100)
            wait_until(seen.exists)

    env = watched.environment(2)
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    stream = env.create_python_source(Timed()).key_by(lambda number: number)
    stream.time_window(5000).reduce(max).name("windows").output()

    def look(status: JobStatus) -> None:
        if any(task.watermark == 900 for task in status.tasks if "windows" in task.operators):
            seen.touch()

    watched.look = look
    env.execute()

    assert seen.exists()


@pytest.mark.parametrize("parallelism", [1, 3])
def test_late_records_are_counted_by_operator(watched: Watched, parallelism: int) -> None:
    class Exact(AssignerWithPunctuatedWatermarks):
        def extractTimestamp(self, value: Any, previous: Any) -> int:
            return value

        def checkAndGetNextWatermark(self, value: Any, timestamp: int) -> int:
            return timestamp - 1

    env = watched.environment(parallelism)
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    stream = env.from_collection([100, *range(98)]).assign_timestamps_and_watermarks(Exact()).set_parallelism(1)
    stream.key_by(lambda value: value % 5).time_window(10).reduce(max).name("windows").output()
    env.execute()
    [(operator, _), *_] = watched.task("windows").subtasks[0].late
    counted = [
        count for subtask in watched.task("windows").subtasks for each, count in subtask.late if each == operator
    ]
    assert sum(counted) == watched.task("windows").late_records == watched.statuses[-1].late_records == 98


def test_nothing_is_measured_when_nobody_watches(jobs: Jobs) -> None:
    def around(_: int) -> str:
        threads = [thread.name for thread in threading.enumerate() if thread.name == "meter"]
        loaded = {
            "stream_engine.status",
            "stream_engine.local.worker.metrics.meter",
            "stream_engine.local.worker.metrics.clock",
        } & set(sys.modules)
        return f"{threads} {loaded}"

    env = jobs.environment()
    env.from_elements(1).map(around).output()
    assert jobs.raw_lines(env) == ["[] set()"]


class Measuring(RichMapFunction):
    def open(self, config: Any) -> None:
        group = self.getRuntimeContext().getMetricGroup()
        self.seen = group.counter("seen")
        group.gauge("half", lambda: self.seen.count / 2)

    def map(self, value: int) -> int:
        self.seen.inc()
        return value


class MeasuringSource(RichSourceFunction):
    def run(self, ctx: Any) -> None:
        collected = self.getRuntimeContext().getMetricGroup().counter("collected")
        for number in range(10):
            ctx.collect(number)
            collected.inc()

    def cancel(self) -> None: ...


def test_the_metrics_of_functions_are_reported_for_each_subtask(watched: Watched) -> None:
    env = watched.environment(2)
    env.add_source(MeasuringSource()).name("source").map(Measuring()).name("map").output()
    env.execute()

    assert watched.task("source").subtasks[0].metrics == (MetricValue("source", "collected", 10),)
    measured = [subtask.metrics for subtask in watched.task("map").subtasks]
    assert [[each[:2] for each in values] for values in measured] == [[("map", "seen"), ("map", "half")]] * 2
    assert sum(values[0].value for values in measured) == 10
    assert sum(values[1].value for values in measured) == 5
