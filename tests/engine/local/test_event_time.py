"""Event time: windows by the records' own times, whatever order they come in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, kill_quietly, wait_until

if TYPE_CHECKING:
    from here import Here
    from launched import Launcher

HEAD = """
from org.apache.flink.streaming.api import TimeCharacteristic
from org.apache.flink.streaming.api.functions.source import SourceFunction
from org.apache.flink.streaming.api.functions import AssignerWithPunctuatedWatermarks
from org.apache.flink.streaming.api.functions.timestamps import BoundedOutOfOrdernessTimestampExtractor
from org.apache.flink.streaming.api.watermark import Watermark


class Bounded(BoundedOutOfOrdernessTimestampExtractor):
    def extractTimestamp(self, element):
        return element[1]


class Exact(AssignerWithPunctuatedWatermarks):
    def extractTimestamp(self, element, previous):
        return element[1]

    def checkAndGetNextWatermark(self, element, timestamp):
        return Watermark(timestamp)


def contents(key, window, values, collector):
    collector.collect((key, window.start, window.end, sorted(value[1] for value in values)))


def event_time(factory):
    env = factory.get_execution_environment()
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    return env


"""


def lines(here: Here, main: str, *args: str | int, late: int = 0) -> list[str]:
    """The sorted output of a script, without the subtasks' numbers; so many ``late`` records were dropped."""
    done = here.run(HEAD + main, *args)
    assert done.code == 0, done.err
    assert sum(late_records(done.err)) == late
    return sorted(line.split("> ")[-1] for line in done.lines)


def late_records(err: str) -> list[int]:
    """What operators have dropped, as is said of each when the job ends; nothing else may have been said."""
    said = [
        re.match(r"'[^']*', made at \S+, dropped (\d+) late records?( so far)?(:|$)", line) for line in err.splitlines()
    ]
    return [int(match[1]) for match in said if match and not match[2]] if all(said) else pytest.fail(err)


@pytest.mark.parametrize("parallelism", [1, 2, 3])
def test_records_go_to_the_windows_of_their_own_time(here: Here, parallelism: int) -> None:
    main = """
def main(factory):
    env = event_time(factory)
    data = [("a", 1), ("b", 5), ("a", 12), ("a", 9), ("b", 25), ("a", 31), ("b", 2)]
    stream = env.from_collection(data).assign_timestamps_and_watermarks(Bounded(100))
    stream.key_by(lambda v: v[0]).time_window(10).apply(contents).output()
    ones = stream.map(lambda v: (v[0], 1)).key_by(lambda v: v[0])
    ones.time_window(20, 10).reduce(lambda x, y: (x[0], x[1] + y[1])).output()
    env.execute()
"""
    assert lines(here, main, "-p", parallelism) == sorted(
        [
            "('a', 0, 10, [1, 9])",
            "('a', 10, 20, [12])",
            "('a', 30, 40, [31])",
            "('b', 0, 10, [2, 5])",
            "('b', 20, 30, [25])",
            *("('a', 2)", "('a', 3)", "('a', 1)", "('a', 1)", "('a', 1)"),
            *("('b', 2)", "('b', 2)", "('b', 1)", "('b', 1)"),
        ]
    )


def test_what_is_too_late_is_counted_and_no_part_of_any_window(here: Here) -> None:
    main = """
def main(factory):
    env = event_time(factory)
    data = [("a", 1), ("a", 15), ("a", 3), ("a", 16)]
    stream = env.from_collection(data).assign_timestamps_and_watermarks(Exact())
    stream.key_by(lambda v: v[0]).time_window(10).apply(contents).output()
    print(env.execute().get_accumulator_result("numLateRecordsDropped"))
"""
    done = here.run(HEAD + main)
    assert (done.code, sorted(done.lines)) == (0, ["('a', 0, 10, [1])", "('a', 10, 20, [15, 16])", "1"])
    assert re.search(
        r"^'Window Apply: contents', made at \S+program.py:\d+, dropped 1 late record(:|$)", done.err, re.M
    )


# What is before 100 is late for windows of 10 ms; for those of 50 ms only what is before 50, as lateness is allowed.
LATE = """
import os, time

DATA = [("a", time) for time in [100, *range(98), 100]]

class Waiting(SourceFunction):
    def run(self, ctx):
        self.running = True
        for pair in DATA:
            ctx.collect(pair)
        open("all-collected", "w").close()
        while self.running:
            time.sleep(0.01)
    def cancel(self):
        self.running = False

def fail_at_last(pair):
    if pair == DATA[-1]:
        fail_at_last.seen = getattr(fail_at_last, "seen", 0) + 1
        if fail_at_last.seen == 2:
            raise ValueError("the last one")
    return pair

def main(factory):
    env = event_time(factory)
    stream = env.{source}.assign_timestamps_and_watermarks(Exact()).set_parallelism(1)
    keyed = stream.key_by(lambda v: v[0])
    keyed.time_window(10).apply(contents).name("tens").output()
    keyed.time_window(50).allowed_lateness(10).reduce(max).name("fifties").output()
    keyed.time_window(10).side_output_late_data("late").reduce(max).name("kept").output()
    env.execute()
"""


def expect_late_records(err: str) -> None:
    """Each operator that has dropped some is named once, at the end; before that perhaps, if it takes long."""
    said = [line for line in err.splitlines() if " dropped " in line]
    final = [line for line in said if " so far" not in line]
    assert len(final) == 2, err
    assert re.match(r"'tens', made at \S+, dropped 98 late records(:|$)", final[0])
    assert re.match(r"'fifties', made at \S+, dropped 50 late records(:|$)", final[1])
    assert sum("allowed_lateness(ms) keeps windows open" in line for line in said) == 2
    assert "source.file" not in err


@pytest.mark.parametrize("options", [("-p", 1), ("-p", 3), ("--local-debug",)])
def test_each_operator_that_dropped_late_records_is_named(here: Here, options: tuple[str | int, ...]) -> None:
    done = here.run(HEAD + LATE.format(source="from_collection(DATA)"), *options)
    assert done.code == 0
    expect_late_records(done.err)
    assert "148 late" not in done.err


def test_verbose_runs_tell_how_many_records_were_dropped_as_late(launcher: Launcher) -> None:
    done = launcher.run(HEAD + LATE.format(source="from_collection(DATA)"), "-v")
    assert done.code == 0
    expect_late_records(done.err)
    assert "out, 148 late records dropped, " in done.err


def test_a_failed_job_tells_of_its_late_records(here: Here) -> None:
    done = here.run(HEAD + LATE.format(source="from_collection(DATA).map(fail_at_last)"))
    assert done.code == 1
    assert "ValueError: the last one" in done.err
    expect_late_records(done.err)


def test_a_stopped_job_tells_of_its_late_records(here: Here) -> None:
    process = here.start(HEAD + LATE.format(source="create_python_source(Waiting())"))
    try:
        assert wait_until((here.directory / "all-collected").exists)
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    assert process.returncode == 143
    expect_late_records(err)


def test_late_records_are_a_stream_of_their_own_where_asked_for(here: Here) -> None:
    main = """
def main(factory):
    env = event_time(factory)
    data = [("a", 1), ("a", 15), ("a", 3), ("a", 16)]
    stream = env.from_collection(data).assign_timestamps_and_watermarks(Exact())
    windows = stream.key_by(lambda v: v[0]).time_window(10).side_output_late_data("late")
    results = windows.reduce(lambda x, y: (x[0], x[1] + y[1]))
    results.output("window")
    results.get_side_output("late").map(lambda v: ("late", v)).output()
    print(env.execute().get_accumulator_result("numLateRecordsDropped"))
"""
    assert lines(here, main) == ["('a', 1)", "('a', 31)", "('late', ('a', 3))", "0"]


def test_between_windows_that_leave_gaps_a_record_is_late_by_its_own_time(here: Here) -> None:
    main = """
def main(factory):
    env = event_time(factory)
    data = [("a", 1), ("a", 8), ("a", 14), ("a", 9)]
    stream = env.from_collection(data).assign_timestamps_and_watermarks(Exact())
    windows = stream.key_by(lambda v: v[0]).time_window(5, 10).side_output_late_data("late").apply(contents)
    windows.output()
    windows.get_side_output("late").output()
    env.execute()
"""
    assert lines(here, main) == ["('a', 0, 5, [1])", "('a', 10, 15, [14])", "('a', 9)"]


def test_a_window_fires_again_for_what_is_late_but_allowed(here: Here) -> None:
    main = """
def main(factory):
    env = event_time(factory)
    data = [("a", 1), ("b", 2), ("a", 15), ("a", 3), ("a", 30), ("a", 4)]
    stream = env.from_collection(data).assign_timestamps_and_watermarks(Exact())
    stream.key_by(lambda v: v[0]).time_window(10).allowed_lateness(10).apply(contents).output()
    print(env.execute().get_accumulator_result("numLateRecordsDropped"))
"""
    assert lines(here, main, late=1) == [
        "('a', 0, 10, [1, 3])",
        "('a', 0, 10, [1])",
        "('a', 10, 20, [15])",
        "('a', 30, 40, [30])",
        "('b', 0, 10, [2])",
        "1",
    ]


def test_a_source_may_give_times_and_watermarks_itself(here: Here) -> None:
    main = """
class Timed(SourceFunction):
    def run(self, ctx):
        for time in (4, 2, 11, 13):
            ctx.collect_with_timestamp(("k", time), time)
        ctx.emit_watermark(Watermark(9))
        ctx.collect_with_timestamp(("k", 5), 5)

    def cancel(self):
        return None


def main(factory):
    env = event_time(factory)
    env.add_source(Timed()).flat_map(lambda v, out: out.collect(v)).key_by(lambda v: v[0]).time_window(10).apply(
        contents
    ).output()
    print(env.execute().get_accumulator_result("numLateRecordsDropped"))
"""
    assert lines(here, main, late=1) == ["('k', 0, 10, [2, 4])", "('k', 10, 20, [11, 13])", "1"]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_what_other_windows_emit_at_the_end_of_the_input_is_not_late(here: Here, parallelism: int) -> None:
    """Those of processing time, of a thousand days here, before those of event time behind them."""
    main = """
from org.apache.flink.streaming.api.windowing.time.Time import days


def main(factory):
    env = factory.get_execution_environment()
    data = [("a", 1), ("b", 5), ("a", 12)]
    sums = env.from_collection(data).key_by(lambda v: v[0]).time_window(days(1000))
    sums = sums.reduce(lambda x, y: (x[0], x[1] + y[1]))
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    sums.assign_timestamps_and_watermarks(Bounded(99)).key_by(lambda v: v[0]).time_window(10).apply(contents).output()
    print(env.execute().get_accumulator_result("numLateRecordsDropped"))
"""
    assert lines(here, main, "-p", parallelism) == ["('a', 10, 20, [13])", "('b', 0, 10, [5])", "0"]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_time_does_not_go_back(here: Here, parallelism: int) -> None:
    main = """
class Timed(SourceFunction):
    def run(self, ctx):
        ctx.emit_watermark(Watermark(20))
        ctx.emit_watermark(Watermark(3))
        ctx.collect_with_timestamp(("k", 15), 15)
        ctx.collect_with_timestamp(("k", 25), 25)

    def cancel(self):
        return None


def main(factory):
    env = event_time(factory)
    env.add_source(Timed()).key_by(lambda v: v[0]).time_window(10).apply(contents).output()
    print(env.execute().get_accumulator_result("numLateRecordsDropped"))
"""
    assert lines(here, main, "-p", parallelism, late=1) == ["('k', 20, 30, [25])", "1"]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_an_idle_input_does_not_hold_back_time(here: Here, parallelism: int) -> None:
    """The second source is silent until the first one's window has fired: without idleness this would never end."""
    main = """
import os, time

class Silent(SourceFunction):
    def run(self, ctx):
        while not os.path.exists(__file__ + '.fired'):
            time.sleep(0.01)

    def cancel(self):
        return None


class Open(SourceFunction):
    def run(self, ctx):
        ctx.collect(("k", 1))
        ctx.collect(("k", 99))
        while not os.path.exists(__file__ + '.fired'):
            time.sleep(0.01)

    def cancel(self):
        return None


def fired(value):
    open(__file__ + '.fired', "w").close()
    return value


def main(factory):
    env = event_time(factory)
    one = env.add_source(Open()).assign_timestamps_and_watermarks(Exact()).set_parallelism(1)
    other = env.add_source(Silent()).assign_timestamps_and_watermarks(Exact()).set_parallelism(1)
    one.union(other).key_by(lambda v: v[0]).time_window(10).apply(contents).map(fired).output()
    env.execute()
"""
    patience = ("-D", "pipeline.idle-timeout=200ms")
    assert lines(here, main, "-p", parallelism, *patience) == ["('k', 0, 10, [1])", "('k', 90, 100, [99])"]


def test_a_window_over_records_without_time_says_what_is_missing(here: Here) -> None:
    main = """
def main(factory):
    env = event_time(factory)
    env.from_elements(("a", 1)).key_by(lambda v: v[0]).time_window(10).apply(contents).output()
    env.execute()
"""
    done = here.run(HEAD + main)
    assert done.code == 1
    assert "call assign_timestamps_and_watermarks()" in done.err.splitlines()[0]


def test_a_time_that_is_no_number_is_told(here: Here) -> None:
    main = """
def main(factory):
    env = event_time(factory)
    env.from_elements(("a", "noon")).assign_timestamps_and_watermarks(Exact()).output()
    env.execute()
"""
    done = here.run(HEAD + main)
    assert done.code == 1
    assert "an event time is an int of ms since the epoch, not the str 'noon'" in done.err


@pytest.mark.parametrize("parallelism", [1, 2])
def test_windows_of_event_time_fire_at_the_end_whatever_the_configuration_says(here: Here, parallelism: int) -> None:
    main = """
def main(factory):
    env = event_time(factory)
    data = [("a", 1), ("a", 15)]
    stream = env.from_collection(data).assign_timestamps_and_watermarks(Exact())
    stream.key_by(lambda v: v[0]).time_window(10).apply(contents).output()
    stream.key_by(lambda v: v[0]).time_window(10).reduce(max).output()
    env.execute()
"""
    expected = sorted(["('a', 0, 10, [1])", "('a', 10, 20, [15])", "('a', 1)", "('a', 15)"])
    assert lines(here, main, "-p", parallelism, "-D", "pipeline.end-of-input=drop") == expected
