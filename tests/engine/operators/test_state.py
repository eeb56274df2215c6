"""Keyed state: by the key of the record or window a function is called with, by value, refused where it has no keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from listed import ListHost, function

from stream_engine.api.functions import RichFunction, RichMapFunction
from stream_engine.api.state import (
    ListStateDescriptor,
    MapStateDescriptor,
    ReducingStateDescriptor,
    ValueStateDescriptor,
)
from stream_engine.graph import specs
from stream_engine.operators.keys import InvalidKeyError
from stream_engine.operators.operator import FunctionOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.graph.functions import UserFunction

pytestmark = pytest.mark.usefixtures("each_backend")

FIRST_FIELD = function(lambda record: record[0])


def keyed(operator: specs.Operator, reuse: bool = False) -> ListHost:
    """One operator, opened, on records whose first field is their key."""
    return ListHost(operator, key=FIRST_FIELD, pipeline__object_reuse=reuse)


def tables(host: ListHost) -> dict[str, dict[Any, Any]]:
    """The tables of the only operator."""
    (operator,) = host.chain.operators
    assert isinstance(operator, FunctionOperator)
    return {name: dict(table.items()) for name, table in operator.states.tables.items()}


def mapping(ask: Callable[[Any], Any], use: Callable[[Any, Any], Any]) -> specs.Map:
    """A rich map that asks its context for a state with ``ask`` and returns ``use(state, record)``."""

    class Mapper(RichMapFunction):
        def open(self, config: Any) -> None:
            self.state = ask(self.getRuntimeContext())

        def map(self, value: Any) -> Any:
            return use(self.state, value)

    return specs.Map(function(Mapper(), "map"))


def value_state(default: Any = None) -> Callable[[Any], Any]:
    return lambda context: context.getState(ValueStateDescriptor("kept", default=default))


def count(state: Any, record: Any) -> int:
    state.update(state.value() + 1)
    return state.value()


def previous(state: Any, record: Any) -> Any:
    before = state.value()
    state.update(record[1])
    return before


RECORDS = [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 5)]


# --- kinds of state --------------------------------------------------------------------------------------------------


def test_a_value_is_kept_for_each_key() -> None:
    assert keyed(mapping(value_state(), previous)).process(*RECORDS) == [None, None, 1, 3, 2]


def test_a_key_without_a_value_has_the_descriptors_default() -> None:
    assert keyed(mapping(value_state(default=0), count)).process(*RECORDS) == [1, 1, 2, 3, 2]


@pytest.mark.parametrize("forget", [lambda state: state.clear(), lambda state: state.update(None)])
def test_a_value_that_is_cleared_or_none_is_forgotten(forget: Callable[[Any], None]) -> None:
    def use(state: Any, record: Any) -> Any:
        state.update(record[1])
        if record[1] == 3:
            forget(state)
        return state.value()

    host = keyed(mapping(value_state(default="default"), use))
    assert host.process(*RECORDS[:3]) == [1, 2, "default"]
    assert tables(host) == {"kept": {"b": 2}}


def test_a_list_is_kept_for_each_key() -> None:
    def use(state: Any, record: Any) -> Any:
        before = state.get()
        if record[1] == 3:
            state.add_all([30, 31])
        elif record[1] == 4:
            state.update([record[1]])
        else:
            state.add(record[1])
        return before, state.get()

    host = keyed(mapping(lambda context: context.getListState(ListStateDescriptor("kept")), use))
    assert host.process(*RECORDS) == [
        ([], [1]),
        ([], [2]),
        ([1], [1, 30, 31]),
        ([1, 30, 31], [4]),
        ([2], [2, 5]),
    ]


def test_a_list_updated_with_nothing_takes_no_room() -> None:
    def use(state: Any, record: Any) -> Any:
        state.add(1)
        state.update([])
        return state.get()

    host = keyed(mapping(lambda context: context.get_list_state(ListStateDescriptor("kept")), use))
    assert host.process(("a", 1)) == [[]]
    assert tables(host) == {"kept": {}}


def test_a_map_is_kept_for_each_key() -> None:
    def use(state: Any, record: Any) -> Any:
        _, field, value = record
        if value is None:
            state.remove(field)
        else:
            state.put(field, value)
        return state.get(field), state.contains(field), state.keys(), state.values(), state.items(), state.is_empty()

    host = keyed(mapping(lambda context: context.getMapState(MapStateDescriptor("kept")), use))
    assert host.process(("a", "x", 1), ("b", "y", 2), ("a", "y", 3), ("b", "y", None), ("b", "z", None)) == [
        (1, True, ["x"], [1], [("x", 1)], False),
        (2, True, ["y"], [2], [("y", 2)], False),
        (3, True, ["x", "y"], [1, 3], [("x", 1), ("y", 3)], False),
        (None, False, [], [], [], True),
        (None, False, [], [], [], True),
    ]
    assert tables(host) == {"kept": {"a": {"x": 1, "y": 3}}}


class Largest:
    def reduce(self, first: int, second: int) -> int:
        return max(first, second)


@pytest.mark.parametrize("reducer", [Largest(), max], ids=["object", "callable"])
def test_a_reducing_state_combines_what_is_added(reducer: Any) -> None:
    def use(state: Any, record: Any) -> Any:
        before = state.get()
        state.add(record[1])
        return before, state.get()

    ask = ReducingStateDescriptor("kept", reducer)
    host = keyed(mapping(lambda context: context.getReducingState(ask), use))
    assert host.process(("a", 2), ("b", 1), ("a", 1), ("a", 3)) == [(None, 2), (None, 1), (2, 2), (2, 3)]


def test_each_name_is_a_state_of_its_own_and_the_same_name_the_same_state() -> None:
    def ask(context: Any) -> Any:
        return [context.get_state(ValueStateDescriptor(name, default=0)) for name in ("one", "two", "one")]

    def use(states: Any, record: Any) -> Any:
        one, two, again = states
        one.update(record[1])
        return two.value(), again.value()

    host = keyed(mapping(ask, use))
    assert host.process(("a", 7)) == [(0, 7)]
    assert tables(host) == {"one": {"a": 7}, "two": {}}


# --- by value --------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_a_copy() -> None:
    def use(state: Any, record: Any) -> Any:
        row = state.value()
        row.append(record[1])
        if record[1] != 3:
            state.update(row)
        row.append("not kept")
        return state.value()

    assert keyed(mapping(value_state(default=[]), use)).process(*RECORDS) == [[1], [2], [1], [1, 4], [2, 5]]


def test_what_lists_maps_and_reducing_states_keep_are_copies() -> None:
    def ask(context: Any) -> Any:
        return (
            context.getListState(ListStateDescriptor("list")),
            context.getMapState(MapStateDescriptor("map")),
            context.getReducingState(ReducingStateDescriptor("sum", lambda first, second: first + second)),
        )

    def use(states: Any, record: Any) -> Any:
        values, fields, total = states
        row = [record[1]]
        values.add(row)
        fields.put("row", row)
        total.add(row)
        row.clear()
        for seen in (values.get()[0], fields.get("row"), fields.values()[0], fields.items()[0][1], total.get()):
            seen.append("not kept")
        return values.get(), fields.get("row"), total.get()

    host = keyed(mapping(ask, use))
    assert host.process(("a", 1), ("a", 2)) == [([[1]], [1], [1]), ([[1], [2]], [2], [1, 2])]


def test_with_object_reuse_nothing_is_copied() -> None:
    if ListHost.tables is not None:
        pytest.skip("on disk there are only copies")

    def use(state: Any, record: Any) -> Any:
        state.update(record)
        return state.value() is record

    row = ("a", [1])
    assert keyed(mapping(value_state(), use), reuse=True).process(row) == [True]
    assert keyed(mapping(value_state(), use)).process(row) == [False]


# --- where there is a key --------------------------------------------------------------------------------------------


class Counting(RichFunction):
    """Counts the calls for each key."""

    def open(self, config: Any) -> None:
        self.calls = self.getRuntimeContext().getState(ValueStateDescriptor("calls", default=0))

    def called(self) -> int:
        self.calls.update(self.calls.value() + 1)
        return self.calls.value()


class CountingFunction(Counting):
    """One of every kind."""

    def flatMap(self, value: Any, collector: Any) -> None:
        collector.collect((value[0], self.called()))

    def filter(self, value: Any) -> bool:
        return self.called() == 2

    def select(self, value: Any) -> str:
        return str(self.called())

    def invoke(self, value: Any) -> None:
        self.called()

    def reduce(self, first: Any, second: Any) -> Any:
        return first[0], self.called()

    def apply(self, key: Any, window: Any, values: Any, collector: Any) -> None:
        collector.collect((key, self.called()))


def counting(method: str) -> UserFunction:
    return function(CountingFunction(), method)


@pytest.mark.parametrize(
    ("operator", "calls"),
    [
        (specs.FlatMap(counting("flatMap")), {"a": 3, "b": 2}),
        (specs.Filter(counting("filter")), {"a": 3, "b": 2}),
        (specs.Split(counting("select")), {"a": 3, "b": 2}),
        (specs.FunctionSink(counting("invoke")), {"a": 3, "b": 2}),
        (specs.Reduce(counting("reduce")), {"a": 2, "b": 1}),
        (specs.WindowApply(specs.CountWindows(2, 1), counting("apply")), {"a": 3, "b": 2}),
        (specs.WindowApply(specs.CountWindows(2, 2), counting("apply")), {"a": 1, "b": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_function_of_a_keyed_stream_may_keep_state(operator: specs.Operator, calls: dict[str, int]) -> None:
    host = keyed(operator)
    host.process(*RECORDS)
    assert tables(host) == {"calls": calls}


def test_a_time_windows_apply_has_the_state_of_the_windows_key() -> None:
    host = keyed(specs.WindowApply(specs.TimeWindows(1000, 1000), counting("apply")))
    host.process(*RECORDS)
    host.move_to(host.time + 1000)
    host.process(("b", 6), ("a", 7))
    assert sorted(host.move_to(host.time + 1000)) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_the_key_of_a_record_is_not_asked_for_when_no_function_could_use_it() -> None:
    def refuse(record: Any) -> Any:
        raise AssertionError(record)

    host = ListHost(specs.Map(function(lambda record: record[1])), key=function(refuse))
    assert host.process(*RECORDS) == [1, 2, 3, 4, 5]


# --- where there is none ---------------------------------------------------------------------------------------------


def test_without_a_key_there_is_no_state() -> None:
    with pytest.raises(RuntimeError, match=r"ValueState is not available here: .*key_by\(selector\)"):
        ListHost(mapping(value_state(), previous))


@pytest.mark.parametrize("windows", [specs.TimeWindows(1000, 1000), specs.CountWindows(2, 2)])
@pytest.mark.parametrize("preaggregated", [False, True])
def test_the_reduce_of_a_window_has_no_state(windows: specs.WindowAssigner, preaggregated: bool) -> None:
    with pytest.raises(RuntimeError, match=r"reduce of a window .* apply\(\)"):
        keyed(specs.WindowReduce(windows, counting("reduce"), preaggregated=preaggregated))


def test_the_local_half_of_a_windowed_reduce_has_no_state() -> None:
    with pytest.raises(RuntimeError, match="reduce of a window"):
        keyed(specs.PreAggregate(specs.TimeWindows(1000, 1000), counting("reduce")))


def test_state_cannot_be_read_in_open() -> None:
    def read(context: Any) -> Any:
        return value_state()(context).value()

    with pytest.raises(RuntimeError, match=r"'kept' has a value for each key.*not in open\(\)"):
        keyed(mapping(read, previous))


def test_state_cannot_be_read_in_close() -> None:
    class Reading(CountingFunction):
        def close(self) -> None:
            self.called()

    host = keyed(specs.FlatMap(function(Reading(), "flatMap")))
    host.process(*RECORDS)
    with pytest.raises(RuntimeError, match="there is no key now"):
        host.finish()


def test_one_name_cannot_be_two_kinds_of_state() -> None:
    def ask(context: Any) -> Any:
        context.getState(ValueStateDescriptor("kept"))
        context.getListState(ListStateDescriptor("kept"))

    with pytest.raises(ValueError, match="'kept' of this function is a ValueState, so it cannot be a ListState"):
        keyed(mapping(ask, previous))


@pytest.mark.parametrize(
    ("method", "descriptor"),
    [
        ("getState", "kept"),
        ("getState", ListStateDescriptor("kept")),
        ("getListState", None),
        ("getReducingState", MapStateDescriptor("kept")),
    ],
)
def test_what_is_no_descriptor_of_that_state_is_refused(method: str, descriptor: Any) -> None:
    state = method.replace("get", "").replace("State", "") or "Value"
    with pytest.raises(TypeError, match=f"{state}State is asked for with a {state}StateDescriptor, not"):
        keyed(mapping(lambda context: getattr(context, method)(descriptor), previous))


class Identity:
    """Equal to itself alone."""


@pytest.mark.parametrize(
    ("key", "complaint"),
    [([1], "unhashable"), (Identity(), "neither __eq__ nor __hash__"), (float("nan"), "does not equal itself")],
    ids=["list", "identity", "nan"],
)
def test_state_is_not_kept_for_a_key_without_a_value_of_its_own(key: Any, complaint: str) -> None:
    host = keyed(mapping(value_state(), previous))
    with pytest.raises(InvalidKeyError, match=complaint):
        host.process((key, 1))
