"""Event time that is restored from a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from listed import ListHost, function

from stream_engine.api.assigners import assigner_of
from stream_engine.api.watermarks import AssignerWithPunctuatedWatermarks, BoundedOutOfOrdernessTimestampExtractor
from stream_engine.graph import specs
from stream_engine.operators.event_windows import LATE_RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream_engine.operators.snapshot import OperatorSnapshot

pytestmark = pytest.mark.usefixtures("each_backend")

KEY = function(lambda record: record[0])
ADD = function(lambda a, b: (a[0], a[1] + b[1]))
APPLY = function(lambda key, window, values, out: out.collect((key, window.start, window.end, list(values))))


class Exact(AssignerWithPunctuatedWatermarks):
    def extractTimestamp(self, element: Any, previous: Any) -> int:
        return element[1]

    def checkAndGetNextWatermark(self, element: Any, timestamp: int) -> int:
        return timestamp - 1


ASSIGN = specs.AssignTimestamps(assigner_of(Exact()))
TIMED = [("a", 10), ("b", 12), ("a", 31), ("b", 5), ("a", 35), ("b", 55), ("a", 22), ("b", 41), ("a", 90), ("b", 60)]


def timed(operator: Any, snapshots: Sequence[Mapping[int, OperatorSnapshot]] = ()) -> ListHost:
    return ListHost(ASSIGN, operator, key=KEY, snapshots=snapshots, timestamped=True)


@pytest.mark.parametrize("lateness", [0, 20])
@pytest.mark.parametrize("slide", [20, 10])
@pytest.mark.parametrize("kind", ["apply", "reduce"])
@pytest.mark.parametrize("cut", range(len(TIMED)))
def test_event_time_resumes_and_late_stays_late(cut: int, kind: str, slide: int, lateness: int) -> None:
    windows = specs.TimeWindows(20, slide, event_time=True)
    several = {
        "apply": specs.WindowApply(windows, APPLY, lateness),
        "reduce": specs.WindowReduce(windows, ADD, lateness),
    }
    operator = several[kind]
    whole = timed(operator)
    expected = whole.process(*TIMED)
    first = timed(operator)
    first.process(*TIMED[:cut])
    second = timed(operator, [first.snapshot()])
    assert first.results + second.process(*TIMED[cut:]) == expected
    dropped = [host.accumulators.merged()[LATE_RECORDS].getLocalValue() for host in (whole, second)]
    assert dropped[0] == dropped[1]


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 4)])
def test_event_time_windows_know_their_watermark_at_another_parallelism(before: int, after: int) -> None:
    operator = specs.WindowApply(specs.TimeWindows(20, 10, event_time=True), APPLY)
    source = ListHost(ASSIGN, timestamped=True)

    def run(hosts: list[ListHost], records: list[Any]) -> list[Any]:
        for record in records:
            hosts[hash(record[0]) % len(hosts)].chain.process(record, record[1])
            source.process(record)
            time = source.outputs[0].times[-1]
            assert time is not None
            for host in hosts:
                host.chain.watermarks.enter(time)
        return [result for host in hosts for result in host.results]

    def hosts(width: int, snapshots: Sequence[Any] = ()) -> list[ListHost]:
        return [
            ListHost(operator, key=KEY, index=i, width=width, snapshots=snapshots, timestamped=True)
            for i in range(width)
        ]

    expected = sorted(run(hosts(1), TIMED))
    source = ListHost(ASSIGN, timestamped=True)
    first = hosts(before)
    results = run(first, TIMED[:6])
    second = hosts(after, [host.snapshot() for host in first])
    assert sorted(results + run(second, TIMED[6:])) == expected


def test_an_assigner_never_goes_back_behind_a_watermark_it_has_emitted() -> None:
    first = ListHost(ASSIGN, timestamped=True)
    first.process(("a", 50))
    second = ListHost(ASSIGN, timestamped=True, snapshots=[first.snapshot()])
    second.process(("a", 20), ("a", 51))
    assert (first.outputs[0].times, second.outputs[0].times) == ([49], [50])


def test_a_bounded_assigner_emits_the_watermark_that_was_due() -> None:
    assigner = specs.AssignTimestamps(assigner_of(_Bounded(10)))
    first = ListHost(assigner, timestamped=True, time=0)
    first.process(("a", 50))
    second = ListHost(assigner, timestamped=True, time=0, snapshots=[first.snapshot()])
    second.move_to(200)
    assert second.outputs[0].times == [39]


def test_of_several_bounded_assigners_that_become_one_the_slowest_counts() -> None:
    assigner = specs.AssignTimestamps(assigner_of(_Bounded(0)))
    hosts = [ListHost(assigner, timestamped=True, index=index, width=2) for index in (0, 1)]
    for host, time in zip(hosts, (50, 20), strict=True):
        host.process(("a", time))
    one = ListHost(assigner, timestamped=True, time=0, snapshots=[host.snapshot() for host in hosts])
    one.move_to(200)
    assert one.outputs[0].times == [19]


@pytest.mark.parametrize("width", [1, 2, 4])
def test_at_another_parallelism_each_bounded_assigner_resumes_from_the_slowest(width: int) -> None:
    assigner = specs.AssignTimestamps(assigner_of(_Bounded(0)))
    hosts = [ListHost(assigner, timestamped=True, index=index, width=3, time=0) for index in range(3)]
    for host, time in zip(hosts, (20, 50, 90), strict=True):
        host.process(("a", time))
        host.move_to(200)
        host.process(("a", time + 5))
    snapshots = [host.snapshot() for host in hosts]
    for index in range(width):
        host = ListHost(assigner, timestamped=True, time=0, snapshots=snapshots, index=index, width=width)
        host.process(("a", 22))
        host.move_to(200)
        assert host.outputs[0].times == [24]


def test_at_another_parallelism_a_bounded_assigner_waits_for_one_that_had_not_begun() -> None:
    assigner = specs.AssignTimestamps(assigner_of(_Bounded(0)))
    hosts = [ListHost(assigner, timestamped=True, index=index, width=2) for index in (0, 1)]
    hosts[0].process(("a", 50))
    one = ListHost(assigner, timestamped=True, time=0, snapshots=[host.snapshot() for host in hosts])
    one.process(("a", 7))
    one.move_to(200)
    assert one.outputs[0].times == [6]


def test_held_input_makes_no_watermarks_and_the_next_begins_anew() -> None:
    for assigner in (_Bounded(0), Exact(), OwnState()):
        host = ListHost(specs.AssignTimestamps(assigner_of(assigner)), timestamped=True, time=0)
        [operator] = host.chain.operators
        operator.hold_time(held=True, waited_for=True)
        host.process(("a", 1), ("a", 500))
        host.move_to(1000)
        assert host.outputs[0].times == []
        operator.hold_time(held=False, waited_for=True)
        host.process(("a", 20))
        host.move_to(2000)
        assert host.outputs[0].times == [1 if isinstance(assigner, OwnState) else 19]


@pytest.mark.parametrize("held", [True, False])
def test_input_that_is_waited_for_is_never_idle(held: bool) -> None:
    host = ListHost(ASSIGN, timestamped=True, time=0)
    [operator] = host.chain.operators
    operator.hold_time(held, waited_for=True)
    host.move_to(20_000)
    assert host.outputs[0].times == []
    operator.hold_time(held=False, waited_for=False)
    host.move_to(40_000)
    assert host.outputs[0].times == [None]


class OwnState(Exact):
    """Its watermarks are the numbers of its records."""

    def __init__(self) -> None:
        self.number = 0

    def checkAndGetNextWatermark(self, element: Any, timestamp: int) -> int:
        self.number += 1
        return self.number

    def snapshotState(self) -> int:
        return self.number

    def restoreState(self, state: int) -> None:
        self.number = state


def test_an_assigner_of_the_scripts_own_may_have_state_too() -> None:
    assigner = specs.AssignTimestamps(assigner_of(OwnState()))
    first = ListHost(assigner, timestamped=True)
    first.process(("a", 50), ("a", 60))
    second = ListHost(assigner, timestamped=True, snapshots=[first.snapshot()])
    second.process(("a", 70))
    assert second.outputs[0].times == [3]


class _Bounded(BoundedOutOfOrdernessTimestampExtractor):
    def extractTimestamp(self, element: Any) -> int:
        return element[1]
