"""Operators restored from a snapshot do what they would have done without it, at any parallelism."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from listed import ListHost, ListOutput, function

from stream_engine.accumulators import IntCounter
from stream_engine.api.functions import RichFlatMapFunction, RichMapFunction
from stream_engine.api.state import (
    ListStateDescriptor,
    MapStateDescriptor,
    ReducingStateDescriptor,
    ValueStateDescriptor,
)
from stream_engine.graph import specs
from stream_engine.operators.snapshot import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream_engine.operators.snapshot import OperatorSnapshot

pytestmark = pytest.mark.usefixtures("each_backend")

KEY = function(lambda record: record[0])
ADD = function(lambda a, b: (a[0], a[1] + b[1]))
APPLY = function(lambda key, window, values, out: out.collect((key, window.start, window.end, list(values))))
COLLECT = function(lambda key, window, values, out: out.collect((key, list(values))))
RECORDS = [(key, number) for number, key in enumerate("abacbdbaadcbdaebacd")]


class Counting(RichFlatMapFunction):
    """Several kinds of keyed state, an accumulator, and a number that the function keeps for itself."""

    def open(self, config: Any) -> None:
        context = self.getRuntimeContext()
        self.total = context.getState(ValueStateDescriptor("total", default=0))
        self.seen = context.getListState(ListStateDescriptor("seen"))
        self.by_value = context.getMapState(MapStateDescriptor("by value"))
        self.calls = IntCounter()
        context.add_accumulator("calls", self.calls)

    def flatMap(self, value: Any, collector: Any) -> None:
        self.calls.add(1)
        self.total.update(self.total.value() + value[1])
        self.seen.add(value[1])
        self.by_value.put(value[1] % 3, value[1])
        collector.collect((value[0], self.total.value(), self.seen.get(), sorted(self.by_value.items())))


KEYED: dict[str, Any] = {
    "reduce": specs.Reduce(ADD),
    "keyed state": specs.FlatMap(function(Counting(), "flatMap")),
    "count windows": specs.WindowApply(specs.CountWindows(3, 3), COLLECT),
    "sliding count windows": specs.WindowApply(specs.CountWindows(4, 2), COLLECT),
    "reduced count windows": specs.WindowReduce(specs.CountWindows(2, 2), ADD),
    "windows": specs.WindowApply(specs.TimeWindows(100, 100), APPLY),
    "sliding windows": specs.WindowApply(specs.TimeWindows(100, 40), APPLY),
    "windows with gaps": specs.WindowApply(specs.TimeWindows(40, 100), APPLY),
    "reduced windows": specs.WindowReduce(specs.TimeWindows(100, 50), ADD),
}
each_keyed = pytest.mark.parametrize("operator", KEYED.values(), ids=KEYED)


class Job:
    """Keyed records through the subtasks of an operator. Each record takes 7 ms."""

    def __init__(
        self, operator: Any, width: int = 1, snapshots: Sequence[Mapping[int, OperatorSnapshot]] = (), time: int = 1000
    ) -> None:
        self.time = time
        self.hosts = [
            ListHost(operator, key=KEY, index=index, width=width, snapshots=snapshots, time=time)
            for index in range(width)
        ]
        for host in self.hosts:
            host.move_to(time)

    def run(self, records: Sequence[Any]) -> Job:
        for record in records:
            self.hosts[hash(record[0]) % len(self.hosts)].process(record)
            self.time += 7
            for host in self.hosts:
                host.move_to(self.time)
        return self

    def snapshots(self) -> list[dict[int, OperatorSnapshot]]:
        return [host.snapshot() for host in self.hosts]

    def results(self) -> list[Any]:
        return [result for host in self.hosts for result in host.results]

    def finish(self) -> list[Any]:
        """All results, those of open windows too."""
        for host in self.hosts:
            host.finish()
        return self.results()


@each_keyed
@pytest.mark.parametrize("cut", [0, 1, 7, 13, len(RECORDS)])
def test_the_rest_of_the_results_is_as_if_nothing_had_happened(operator: Any, cut: int) -> None:
    expected = Job(operator).run(RECORDS).finish()
    first = Job(operator).run(RECORDS[:cut])
    second = Job(operator, snapshots=first.snapshots(), time=first.time).run(RECORDS[cut:])
    assert first.results() + second.finish() == expected


@each_keyed
@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 3), (3, 2), (4, 2)])
def test_so_it_is_at_another_parallelism(operator: Any, before: int, after: int) -> None:
    expected = sorted(Job(operator).run(RECORDS).finish())
    first = Job(operator, before).run(RECORDS[:9])
    second = Job(operator, after, first.snapshots(), first.time).run(RECORDS[9:])
    assert sorted(first.results() + second.finish()) == expected


@each_keyed
def test_a_snapshot_changes_nothing_and_is_changed_by_nothing(operator: Any) -> None:
    expected = Job(operator).run(RECORDS).finish()
    job = Job(operator).run(RECORDS[:9])
    earlier, time, results = job.snapshots(), job.time, job.results()
    assert job.run(RECORDS[9:]).finish() == expected
    assert results + Job(operator, snapshots=earlier, time=time).run(RECORDS[9:]).finish() == expected


# --- windows ---------------------------------------------------------------------------------------------------------


def test_windows_that_ended_while_the_job_was_down_fire_at_once() -> None:
    operator = specs.WindowApply(specs.TimeWindows(60_000, 60_000), APPLY)
    first = Job(operator, time=61_000).run([("a", 1)])
    later = Job(operator, snapshots=first.snapshots(), time=200_000)
    assert later.results() == [("a", 60_000, 120_000, [("a", 1)])]
    assert Job(operator, snapshots=first.snapshots(), time=100_000).results() == []


# A key of each of two subtasks: ints, whose hashes are the same in every process.
KEYS = (0, 1)


@pytest.mark.parametrize("slide", [100, 50])
def test_merged_subtasks_fire_each_window_once_however_far_each_had_fired(slide: int) -> None:
    operator = specs.WindowApply(specs.TimeWindows(100, slide), APPLY)
    ahead, behind = (ListHost(operator, key=KEY, index=index, width=2, time=1000) for index in (0, 1))
    for index, host in ((0, ahead), (1, behind)):
        host.process((KEYS[index], 1))
        host.move_to(1060)
        host.process((KEYS[index], 2))
    # The barrier comes between the timers of the two.
    ahead.move_to(1100)
    one = ListHost(operator, key=KEY, snapshots=[ahead.snapshot(), behind.snapshot()], time=1101)
    one.move_to(1101)
    one.process((KEYS[0], 3), (KEYS[1], 3))
    results = sorted(ahead.results + behind.results + one.finish())

    uninterrupted = ListHost(operator, key=KEY, time=1000)
    for time, number in ((1000, 1), (1060, 2), (1101, 3)):
        uninterrupted.move_to(time)
        uninterrupted.process((KEYS[0], number), (KEYS[1], number))
    assert results == sorted(uninterrupted.finish())


def test_another_snapshot_before_the_first_window_fires_loses_nothing() -> None:
    operator = specs.WindowApply(specs.TimeWindows(100, 50), APPLY)
    ahead, behind = (ListHost(operator, key=KEY, index=index, width=2, time=1000) for index in (0, 1))
    ahead.process((KEYS[0], 1))
    behind.process((KEYS[1], 1))
    ahead.move_to(1050)
    one = ListHost(operator, key=KEY, snapshots=[ahead.snapshot(), behind.snapshot()], time=1051)
    again = ListHost(operator, key=KEY, snapshots=[one.snapshot()], time=1051)
    ends = [(key, end) for key, _, end, _ in ahead.results + one.results + again.finish()]
    assert sorted(ends) == sorted((key, end) for key in KEYS for end in (1050, 1100))


def test_partial_results_are_emitted_before_a_snapshot_so_that_none_is_needed() -> None:
    windows = specs.TimeWindows(100, 100)
    host = ListHost(specs.PreAggregate(windows, ADD), key=KEY, time=1000)
    host.process(("a", 1), ("a", 2), ("b", 3))
    assert host.snapshot() == {}
    assert sorted(host.results) == [(1000, "a", ("a", 3)), (1000, "b", ("b", 3))]
    assert host.process(("a", 4))[2:] == []
    assert host.move_to(1100)[2:] == [(1000, "a", ("a", 4))]
    # One timer for each pane, whatever snapshots there were.
    host.process(("a", 5))
    assert host.move_to(1300)[3:] == [(1100, "a", ("a", 5))]
    assert host.outputs[0].marks == [1100, 1200, 1300]


@pytest.mark.parametrize("preaggregated", [False, True])
def test_windows_resume_whether_or_not_they_are_reduced_before_an_exchange(preaggregated: bool) -> None:
    windows = specs.TimeWindows(100, 50)
    several = [specs.WindowReduce(windows, ADD, preaggregated=each) for each in (preaggregated, not preaggregated)]
    first = ListHost(several[0], key=KEY, time=1000)
    record: dict[bool, Any] = {False: ("a", 1), True: (1000, "a", ("a", 1))}
    first.process(record[preaggregated])
    second = ListHost(several[1], key=KEY, snapshots=[first.snapshot()], time=1000)
    second.process(record[not preaggregated])
    assert second.finish() == [("a", 2), ("a", 2)]


def test_state_of_other_windows_is_refused() -> None:
    snapshot = Job(specs.WindowReduce(specs.TimeWindows(100, 100), ADD)).run([("a", 1)]).snapshots()
    with pytest.raises(
        StateError,
        match=r"is that of windows of 100 ms by .*, and cannot be taken over by .*: give the operator another uid",
    ):
        Job(specs.WindowReduce(specs.TimeWindows(200, 100), ADD), snapshots=snapshot)


WINDOWS, EVENT_TIME = specs.TimeWindows(100, 100), specs.TimeWindows(100, 100, event_time=True)
COUNT_WINDOWS = specs.CountWindows(3, 3)


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (specs.WindowReduce(COUNT_WINDOWS, ADD), specs.WindowReduce(WINDOWS, ADD), "count windows"),
        (specs.WindowReduce(COUNT_WINDOWS, ADD), specs.WindowReduce(EVENT_TIME, ADD), "count windows"),
        (specs.WindowApply(COUNT_WINDOWS, COLLECT), specs.Map(function(str)), "count windows"),
        (specs.WindowReduce(WINDOWS, ADD), specs.WindowReduce(COUNT_WINDOWS, ADD), "100 ms"),
        (specs.WindowReduce(WINDOWS, ADD), specs.Reduce(ADD), "windows of 100 ms"),
        (specs.WindowReduce(WINDOWS, ADD), specs.WindowReduce(EVENT_TIME, ADD), "by processing time"),
        (
            specs.WindowReduce(WINDOWS, ADD),
            specs.WindowApply(WINDOWS, APPLY),
            "reduced",
        ),
        (
            specs.WindowApply(WINDOWS, APPLY),
            specs.WindowReduce(WINDOWS, ADD),
            "all records",
        ),
        (specs.Reduce(ADD), specs.WindowReduce(COUNT_WINDOWS, ADD), "a rolling reduce"),
        (specs.FlatMap(function(Counting(), "flatMap")), specs.Reduce(ADD), "a ListState named 'seen'"),
        (specs.FlatMap(function(Counting(), "flatMap")), specs.WindowReduce(COUNT_WINDOWS, ADD), "a ListState"),
    ],
)
@pytest.mark.parametrize("width", [1, 2])
def test_an_operator_refuses_the_state_of_another_kind(before: Any, after: Any, what: str, width: int) -> None:
    snapshots = Job(before, width).run([("a", 1), ("b", 2)]).snapshots()
    with pytest.raises(StateError, match=rf"state .*of .*{what}.*cannot (be taken|take) over"):
        Job(after, snapshots=snapshots)


@pytest.mark.parametrize("operators", [("reduced count windows", "count windows"), ("count windows", "windows")])
def test_windows_that_held_nothing_may_become_others(operators: tuple[str, str]) -> None:
    before, after = (KEYED[name] for name in operators)
    snapshots = Job(before).run([]).snapshots()
    assert Job(after, snapshots=snapshots).run(RECORDS).finish() == Job(after).run(RECORDS).finish()


def test_count_windows_that_were_reduced_may_be_applied() -> None:
    snapshots = Job(specs.WindowReduce(specs.CountWindows(2, 2), ADD)).run([("a", 1)]).snapshots()
    second = Job(specs.WindowApply(specs.CountWindows(2, 2), COLLECT), snapshots=snapshots)
    assert second.run([("a", 2)]).results() == [("a", [("a", 1), ("a", 2)])]


def test_a_count_window_with_a_smaller_slide_fires_with_the_keys_next_record() -> None:
    snapshots = Job(specs.WindowApply(specs.CountWindows(5, 5), COLLECT)).run([("a", n) for n in range(4)]).snapshots()
    second = Job(specs.WindowApply(specs.CountWindows(2, 2), COLLECT), snapshots=snapshots)
    assert second.run([("a", 4)]).results() == [("a", [("a", 3), ("a", 4)])]


# --- functions -------------------------------------------------------------------------------------------------------


class Numbering(RichMapFunction):
    """Numbers records. ``parts`` tells whether its state is a list, which can be divided."""

    def __init__(self, parts: bool) -> None:
        self.parts = parts
        self.numbers = iter(count())
        self.order: list[str] = []

    def __reduce__(self) -> Any:
        return Numbering, (self.parts,)

    def open(self, config: Any) -> None:
        self.order.append("open")

    def map(self, value: Any) -> Any:
        return value, next(self.numbers)

    def snapshot_state(self) -> Any:
        number = next(self.numbers)
        self.numbers = iter(count(number))
        return [number] if self.parts else number

    def restore_state(self, state: Any) -> None:
        self.order.append("restore")
        self.numbers = iter(count(sum(state) if self.parts else state))


def numbering(parts: bool, width: int = 1, snapshots: Sequence[Any] = ()) -> list[ListHost]:
    operator = specs.Map(function(Numbering(parts), "map"))
    return [ListHost(operator, index=index, width=width, snapshots=snapshots) for index in range(width)]


@pytest.mark.parametrize("parts", [False, True])
def test_a_functions_own_state_is_given_back_before_it_is_opened(parts: bool) -> None:
    [first] = numbering(parts)
    first.process("x", "y")
    [second] = numbering(parts, snapshots=[first.snapshot()])
    assert second.process("z") == [("z", 2)]
    (operator,) = second.chain.operators
    assert operator.function.order == ["restore", "open"]  # pyright: ignore[reportAttributeAccessIssue]


def test_at_another_parallelism_a_functions_lists_are_spread() -> None:
    first = numbering(True, 3)
    for host, records in zip(first, ("x", "xy", "xyz"), strict=True):
        host.process(*records)
    snapshots = [host.snapshot() for host in first]
    assert [host.process("next")[-1] for host in numbering(True, 2, snapshots)] == [("next", 4), ("next", 2)]
    assert [host.process("next")[-1][1] for host in numbering(True, 4, snapshots)] == [1, 2, 3, 0]


def test_what_is_no_list_is_refused_at_another_parallelism() -> None:
    snapshots = [host.snapshot() for host in numbering(False, 3)]
    assert len(numbering(False, 3, snapshots)) == 3
    with pytest.raises(StateError, match=r"Numbering\.snapshot_state\(\) has returned a int for each of 3 instances"):
        numbering(False, 2, snapshots)


def test_accumulators_resume_their_counts() -> None:
    operator = KEYED["keyed state"]
    first = Job(operator, 3).run(RECORDS[:9])
    second = Job(operator, 2, first.snapshots()).run(RECORDS[9:])
    third = Job(operator, 2, second.snapshots())
    values = [host.accumulators.merged()["calls"].getLocalValue() for host in third.hosts]
    assert sum(values) == len(RECORDS)


def test_a_function_sees_in_its_accumulator_what_it_had_counted() -> None:
    class Counted(RichMapFunction):
        def open(self, config: Any) -> None:
            self.counter = IntCounter()
            self.getRuntimeContext().add_accumulator("n", self.counter)

        def map(self, value: Any) -> Any:
            self.counter.add(1)
            return self.counter.get_local_value()

    operator = specs.Map(function(Counted(), "map"))
    first = ListHost(operator)
    first.process(*"xyz")
    assert ListHost(operator, snapshots=[first.snapshot()]).process("z") == [4]


def test_an_accumulator_that_functions_share_is_remembered_once() -> None:
    operators = [specs.Map(function(Shared(), "map"))] * 2
    SHARED.reset_local()
    first = ListHost(*operators)
    first.process(*"xyz")
    snapshot = first.snapshot()
    SHARED.reset_local()
    second = ListHost(*operators, snapshots=[snapshot])
    assert second.accumulators.merged()["n"].getLocalValue() == 6


SHARED = IntCounter()


class Shared(RichMapFunction):
    def open(self, config: Any) -> None:
        self.getRuntimeContext().add_accumulator("n", SHARED)

    def map(self, value: Any) -> Any:
        SHARED.add(1)
        return value


# --- state of a kind that has changed --------------------------------------------------------------------------------


def asking(ask: Callable[[Any], Any]) -> specs.Map:
    class Asks(RichMapFunction):
        def open(self, config: Any) -> None:
            self.state = ask(self.getRuntimeContext())

        def map(self, value: Any) -> Any:
            self.state.add(value)
            return self.state.get()

    return specs.Map(function(Asks(), "map"))


LISTED = asking(lambda context: context.getListState(ListStateDescriptor("s")))


def test_a_state_restored_as_another_kind_is_refused() -> None:
    first = ListHost(LISTED, key=KEY)
    first.process("ab")
    # A StateError, so that no restart tries it again.
    with pytest.raises(StateError, match=r"of a ListState named 's', and the function asks for a ValueState .*: give "):
        ListHost(
            asking(lambda context: context.getState(ValueStateDescriptor("s"))), key=KEY, snapshots=[first.snapshot()]
        )


def test_a_state_of_another_kind_that_is_empty_is_no_obstacle() -> None:
    snapshot = ListHost(LISTED, key=KEY).snapshot()
    adding = asking(lambda context: context.getReducingState(ReducingStateDescriptor("s", max)))
    second = ListHost(adding, key=KEY, snapshots=[snapshot])
    assert second.process("ab", "aa") == ["ab", "ab"]
    third = ListHost(adding, key=KEY, snapshots=[second.snapshot()])
    assert third.process("ac") == ["ac"]


class Asking(RichMapFunction):
    """Adds to a state of one name, for which it asks when it is opened or with the first record."""

    def __init__(self, name: str, early: bool = True, others: Sequence[str] = ()) -> None:
        self.names = [*others, name]
        self.early = early

    def open(self, config: Any) -> None:
        asked = self.names if self.early else self.names[:-1]
        self.states = [self.getRuntimeContext().getState(ValueStateDescriptor(name)) for name in asked]

    def map(self, value: Any) -> Any:
        state = self.getRuntimeContext().getState(ValueStateDescriptor(self.names[-1]))
        state.update((state.value() or 0) + 1)
        return state.value()


def test_a_function_that_asks_for_other_states_than_there_are_is_refused_them() -> None:
    first = ListHost(specs.Map(function(Asking("mine"), "map")), key=KEY)
    first.process("ab")
    with pytest.raises(StateError, match=r"there is state named 'mine', and the function asks for 'yours' only"):
        ListHost(specs.Map(function(Asking("yours"), "map")), key=KEY, snapshots=[first.snapshot()])


@pytest.mark.parametrize("after", [Asking("mine", early=False), Asking("mine", others=["new"])])
def test_a_function_may_ask_late_for_its_state_and_for_more(after: Asking) -> None:
    first = ListHost(specs.Map(function(Asking("mine"), "map")), key=KEY)
    first.process("ab")
    second = ListHost(specs.Map(function(after, "map")), key=KEY, snapshots=[first.snapshot()])
    assert second.process("ab", "bc") == [2, 1]


def test_a_state_that_is_empty_counts_as_one_that_the_function_had() -> None:
    operator = specs.Map(function(Asking("late", early=False, others=["empty"]), "map"))
    first = ListHost(operator, key=KEY)
    first.process("ab")
    assert ListHost(operator, key=KEY, snapshots=[first.snapshot()]).process("ab") == [2]


def test_what_has_no_state_has_nothing_to_remember() -> None:
    operators = [specs.Map(function(str)), specs.Filter(function(bool)), specs.Reduce(ADD)]
    assert ListHost(*operators, key=KEY, outputs=(ListOutput(2),)).snapshot() == {}
