"""Loops end by themselves, exactly when nothing is left in them."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any, cast

import pytest

from stream_engine.local.coordinator.loops import LoopReferee
from stream_engine.task.feedback import FeedbackQueue
from stream_engine.wire.messages import Counts, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Jobs, Launcher

    from stream_engine.wire.connection import Connection

TURNS = """
def main(factory):
    env = factory.get_execution_environment()
    loop = env.generate_sequence(1, {count}).map(lambda v: (v % 400, 0)).iterate()
    body = loop.map(lambda v: (v[0] - 1, v[1] + 1))
    loop.close_with(body.filter(lambda v: v[0] > 0))
    done = body.filter(lambda v: v[0] <= 0).map(lambda v: (v[1], 1)).key_by(lambda v: 0)
    done.reduce(lambda a, b: (a[0] + b[0], a[1] + b[1])).filter(lambda v: v[1] == {count}).output()
    env.execute()
"""


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("memory", ["32 mb", "1 kb"])
def test_each_record_makes_exactly_its_turns(launcher: Launcher, parallelism: int, memory: str, tmp_path: Path) -> None:
    """With 1 kb, nearly all that is fed back waits on disk; the file it is in has no name."""
    count = 4_000 if memory == "32 mb" else 1_000
    spill = tmp_path / "spill"
    spill.mkdir()
    options = ("-p", parallelism, "-D", f"iteration.memory={memory}", "-D", f"io.tmp.dirs={spill}")
    lines = launcher.lines(TURNS.format(count=count), *options)
    turns = sum(value % 400 or 1 for value in range(1, count + 1))
    assert [line.split("> ")[-1] for line in lines] == [f"({turns}, {count})"]
    assert list(spill.iterdir()) == []


@pytest.mark.parametrize("record", ["(v, 'text')", "[v, 'text']"], ids=["plain", "mutable"])
def test_records_are_fed_back_to_other_workers(jobs: Jobs, record: str) -> None:
    lines = jobs.script_lines(
        f"""
        def main(factory):
            env = factory.get_execution_environment()
            loop = env.generate_sequence(1, 100).map(lambda v: {record}).iterate()
            body = loop.map(lambda r: type(r)((r[0] - 1, r[1]))).set_parallelism(1)
            loop.close_with(body.filter(lambda r: r[0] > 0).set_parallelism(1))
            body.filter(lambda r: r[0] <= 0).output()
            env.execute()
        """,
        3,
    )
    assert len(lines) == 100
    assert len({line.split("> ")[1] for line in lines}) == 1


@pytest.mark.parametrize("parallelism", [1, 2, 3])
def test_nested_loops_that_fan_out_end(jobs: Jobs, parallelism: int) -> None:
    lines = jobs.script_lines(
        """
        def fan(value, collector):
            collector.collect(value - 1)
            collector.collect(value - 1)

        def main(factory):
            env = factory.get_execution_environment()
            outer = env.from_elements(*range(1, 9)).iterate()
            inner = outer.flat_map(fan).map(lambda v: (v, 3)).iterate()
            step = inner.key_by(lambda v: v[0]).map(lambda v: (v[0], v[1] - 1))
            inner.close_with(step.filter(lambda v: v[1] > 0))
            out = step.filter(lambda v: v[1] <= 0).map(lambda v: v[0])
            outer.close_with(out.rebalance().filter(lambda v: v > 0))
            out.filter(lambda v: v <= 0).output()
            env.execute()
        """,
        parallelism,
    )
    assert len(lines) == sum(2**value for value in range(1, 9))


@pytest.mark.parametrize("parallelism", [1, 2])
def test_windows_behind_a_loop_do_not_keep_it_open(jobs: Jobs, parallelism: int) -> None:
    """They are of a thousand days; what is in them is emitted at the end of the input."""
    lines = jobs.script_lines(
        """
        def main(factory):
            env = factory.get_execution_environment()
            loop = env.generate_sequence(1, 20).iterate()
            body = loop.map(lambda v: v - 1)
            loop.close_with(body.filter(lambda v: v > 0))
            zeros = body.filter(lambda v: v <= 0).map(lambda v: (v, 1)).key_by(lambda v: v[0])
            zeros.time_window(86_400_000_000).reduce(lambda a, b: (a[0], a[1] + b[1])).output()
            env.execute()
        """,
        parallelism,
    )
    assert [line.split("> ")[-1] for line in lines] == ["(0, 20)"]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_event_time_does_not_end_before_a_loop_has(jobs: Jobs, parallelism: int) -> None:
    """Or all that is still in it when its input ends would be too late for the windows behind it."""
    lines = jobs.script_lines(
        """
        from org.apache.flink.streaming.api import TimeCharacteristic
        from org.apache.flink.streaming.api.functions.timestamps import BoundedOutOfOrdernessTimestampExtractor

        class Late(BoundedOutOfOrdernessTimestampExtractor):
            def extractTimestamp(self, value):
                return value[1]

        def counted(key, window, values, collector):
            collector.collect((window.start, len(values)))

        def main(factory):
            env = factory.get_execution_environment()
            env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
            numbers = env.generate_sequence(0, 29).map(lambda v: (9, v)).assign_timestamps_and_watermarks(Late(1000))
            loop = numbers.iterate()
            body = loop.map(lambda v: (v[0] - 1, v[1]))
            loop.close_with(body.filter(lambda v: v[0] > 0))
            done = body.filter(lambda v: v[0] <= 0)
            done.key_by(lambda v: v[0]).time_window(10).apply(counted).output("own")
            again = done.assign_timestamps_and_watermarks(Late(1000))
            again.key_by(lambda v: v[0]).time_window(10).apply(counted).output("again")
            print(env.execute().get_accumulator_result("numLateRecordsDropped"))
        """,
        parallelism,
    )
    *windows, late = lines
    assert late == "0"
    expected = [f"{name} ({start}, 10)" for name in ("again", "own") for start in (0, 10, 20)]
    assert sorted(f"{line.split(':')[0].split('>')[0]} {line.split('> ')[-1]}" for line in windows) == expected


@pytest.mark.parametrize("parallelism", [1, 2])
def test_windows_of_event_time_in_a_loop_fire_when_its_input_has_ended(launcher: Launcher, parallelism: int) -> None:
    """As in Flink, what they feed back is too late for them."""
    done = launcher.run(
        """
        from org.apache.flink.streaming.api import TimeCharacteristic

        def main(factory):
            env = factory.get_execution_environment()
            env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
            numbers = env.from_collection([(n % 3, n) for n in range(30)])
            loop = numbers.assign_timestamps_and_watermarks(lambda v: v[1]).iterate()
            counts = loop.key_by(lambda v: v[0]).time_window(10).reduce(max)
            counts.output()
            loop.close_with(counts)
            print(env.execute().get_accumulator_result("numLateRecordsDropped"))
        """,
        "-p",
        parallelism,
    )
    assert done.code == 0
    assert " dropped 9 late records" in done.err
    *windows, late = done.lines
    expected = [(n % 3, n) for n in (7, 8, 9, 17, 18, 19, 27, 28, 29)]
    assert sorted(line.split("> ")[-1] for line in windows) == sorted(map(str, expected))
    assert late == "9"


class Told:
    """A worker's connection that keeps what it is sent."""

    def __init__(self) -> None:
        self.kinds: list[int] = []

    def send(self, kind: int, exchange: int = 0, payload: bytes = b"") -> None:
        self.kinds.append(kind)


def referee() -> tuple[LoopReferee, list[Told]]:
    workers = [Told(), Told()]
    return LoopReferee(0, cast("list[Connection]", cast("Any", workers))), workers


def test_a_loop_ends_when_all_answer_as_they_reported() -> None:
    judge, workers = referee()
    judge.on_report(0, Counts(1, 0))
    judge.on_report(1, Counts(0, 1))
    assert workers[0].kinds == [Kind.LOOP_PROBE]
    judge.on_answer(0, Counts(1, 0))
    assert workers[0].kinds == [Kind.LOOP_PROBE]
    judge.on_answer(1, Counts(0, 1))
    assert [told.kinds for told in workers] == [[Kind.LOOP_PROBE, Kind.LOOP_END]] * 2


def test_frames_under_way_keep_it_open() -> None:
    judge, workers = referee()
    judge.on_report(0, Counts(2, 0))
    judge.on_report(1, Counts(0, 1))
    assert workers[0].kinds == []


def test_a_report_made_between_two_answers_is_not_lost() -> None:
    judge, workers = referee()
    judge.on_report(1, Counts(0, 0))
    judge.on_report(0, Counts(1, 0))
    judge.on_report(0, Counts(1, 1))
    judge.on_answer(0, Counts(1, 1))
    judge.on_report(0, Counts(1, 2))
    judge.on_answer(1, Counts(2, 1))
    # Three sent and three received, by the newest of each: worth asking again.
    assert workers[0].kinds[-1] == Kind.LOOP_PROBE


def test_the_queue_makes_its_directory_again_when_it_has_been_removed(tmp_path: Path) -> None:
    queue = FeedbackQueue(0, str(tmp_path / "spill"))
    queue.put([1])
    queue.put([2])
    assert [queue.get(), queue.get()] == [[1], [2]]
    queue.close()
    assert os.listdir(tmp_path / "spill") == []


def test_the_queue_keeps_its_order_between_memory_and_disk(tmp_path: Path) -> None:
    queue = FeedbackQueue(len(pickle.dumps(list(range(20)))), str(tmp_path))
    batches = [[index] * 10 for index in range(50)]
    taken = []
    for index, batch in enumerate(batches):
        queue.put(batch)
        if index % 3 == 0:
            taken.append(queue.get())
    while queue:
        taken.append(queue.get())
    queue.close()
    assert taken == batches


def test_the_queue_gives_several_batches_at_once_but_no_more_records_than_wanted(tmp_path: Path) -> None:
    queue = FeedbackQueue(1_000_000, str(tmp_path))
    batches = [[1], [2, 3], [4], [5, 6, 7, 8]]
    for batch in batches:
        queue.put(batch)
    assert [queue.get(3), queue.get(3), queue.get(3)] == [[1, 2, 3], [4], [5, 6, 7, 8]]
    assert not queue
    assert batches[0] == [1], "a batch belongs to whoever has put it there"
