from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stream_engine.api.functions import WindowFunction
from stream_engine.api.time import Time, TimeCharacteristic
from stream_engine.graph.partitioners import Hash
from stream_engine.graph.specs import CountWindows, TimeWindows, WindowApply, WindowReduce
from stream_engine.graph.stream_graph import StreamEdge, Upstream
from stream_engine.job import InvalidProgramException
from stream_engine.window import GlobalWindow, TimeWindow


class WindowSum(WindowFunction):
    def apply(self, key: Any, window: Any, values: Any, collector: Any) -> None:
        collector.collect((key, sum(values)))


@pytest.fixture
def keyed(words: Any) -> Any:
    return words.key_by(len)


@pytest.fixture
def keyed_by_event_time(env: Any, words: Any) -> Any:
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    return words.key_by(len)


@pytest.mark.parametrize(
    ("arguments", "windows"),
    [
        ((Time.milliseconds(50),), TimeWindows(50, 50)),
        ((Time.seconds(1), Time.milliseconds(20)), TimeWindows(1000, 20)),
        ((100, 20), TimeWindows(100, 20)),
        ((timedelta(minutes=1),), TimeWindows(60_000, 60_000)),
    ],
)
def test_time_windows_have_a_size_and_a_slide(env: Any, keyed: Any, arguments: Any, windows: TimeWindows) -> None:
    keyed.time_window(*arguments).reduce(max)

    node = env.graph.nodes[1]
    assert isinstance(node.operator, WindowReduce)
    assert node.operator.windows == windows
    assert env.graph.edges == [StreamEdge(Upstream(0, Hash(node.key)), 1)]


@pytest.mark.parametrize("arguments", [(0,), (10, 0), (-5,), (1.5,), ("5",), (None,), (True,), (timedelta(0, 0, 1),)])
def test_sizes_that_are_no_whole_milliseconds_are_refused(keyed: Any, arguments: Any) -> None:
    with pytest.raises(InvalidProgramException):
        keyed.time_window(*arguments)


def test_count_windows_have_a_size_and_a_slide(env: Any, keyed: Any) -> None:
    keyed.count_window(10).apply(WindowSum())
    keyed.count_window(10, 5).apply(WindowSum())

    operators = [node.operator for node in env.graph.nodes[1:]]
    assert all(isinstance(operator, WindowApply) for operator in operators)
    assert [operator.windows for operator in operators] == [CountWindows(10, 10), CountWindows(10, 5)]
    assert operators[0].function.method == "apply"


@pytest.mark.parametrize("arguments", [(0,), (10, -1), (1.5,), ("5",), (True,)])
def test_counts_that_are_no_whole_numbers_are_refused(keyed: Any, arguments: Any) -> None:
    with pytest.raises(InvalidProgramException, match="whole numbers from 1"):
        keyed.count_window(*arguments)


def test_windows_go_by_the_characteristic_at_their_making(env: Any, keyed: Any) -> None:
    for characteristic in TimeCharacteristic:
        env.set_stream_time_characteristic(characteristic)
        keyed.time_window(50).reduce(max)

    by_event_time = [node.operator.windows.event_time for node in env.graph.nodes[1:]]
    assert dict(zip(TimeCharacteristic, by_event_time, strict=True)) == {
        TimeCharacteristic.ProcessingTime: False,
        TimeCharacteristic.IngestionTime: False,
        TimeCharacteristic.EventTime: True,
    }


def test_late_records_can_be_waited_for_and_kept(env: Any, keyed_by_event_time: Any) -> None:
    windowed = keyed_by_event_time.time_window(50).allowed_lateness(Time.seconds(1)).side_output_late_data("late")
    result = windowed.reduce(max).set_parallelism(2)
    result.get_side_output("late").output()
    result.output()

    operator = env.graph.nodes[1].operator
    assert (operator.lateness, operator.late_output) == (1000, "late")
    assert [edge.upstream for edge in env.graph.outputs(1)] == [Upstream(1, None, ("late",)), Upstream(1)]


def test_a_side_output_must_have_been_asked_for(keyed_by_event_time: Any) -> None:
    result = keyed_by_event_time.time_window(50).apply(WindowSum())
    with pytest.raises(InvalidProgramException, match=r"call side_output_late_data\('late'\) before"):
        result.get_side_output("late")


def test_nothing_is_late_by_processing_time_or_count(keyed: Any) -> None:
    for windowed in (keyed.time_window(50), keyed.count_window(3)):
        with pytest.raises(InvalidProgramException, match="for time windows by event time"):
            windowed.allowed_lateness(5)
        with pytest.raises(InvalidProgramException, match="for time windows by event time"):
            windowed.side_output_late_data("late")


def test_a_time_window_tells_its_bounds_in_both_spellings() -> None:
    window = TimeWindow(100, 150)
    assert (window.start, window.end, window.max_timestamp()) == (100, 150, 149)
    assert (window.getStart(), window.getEnd(), window.maxTimestamp()) == (100, 150, 149)
    assert window == TimeWindow(100, 150) != TimeWindow(100, 200)
    assert len({window, TimeWindow(100, 150)}) == 1
    assert sorted([TimeWindow(5, 9), TimeWindow(0, 9)])[0].start == 0


def test_there_is_one_global_window_and_it_never_ends() -> None:
    assert GlobalWindow() == GlobalWindow()
    assert len({GlobalWindow(), GlobalWindow()}) == 1
    assert GlobalWindow().maxTimestamp() == 2**63 - 1
