"""Rolling reduces, count windows and time windows, with a clock that the test moves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed import ListHost, function

from stream_engine.graph import specs
from stream_engine.operators.keys import InvalidKeyError, kept_key

pytestmark = pytest.mark.usefixtures("each_backend")

KEY = function(lambda record: record[0])
ADD = function(lambda a, b: (a[0], a[1] + b[1]))
APPLY = function(lambda key, window, values, out: out.collect((key, window.start, window.end, list(values))))


def test_a_rolling_reduce_emits_every_value() -> None:
    host = ListHost(specs.Reduce(ADD), key=KEY)
    assert host.process(("a", 1), ("b", 5), ("a", 2), ("a", 3)) == [("a", 1), ("b", 5), ("a", 3), ("a", 6)]


def test_a_reduced_value_of_none_is_a_value() -> None:
    host = ListHost(specs.Reduce(function(lambda a, b: None if b else (a, b))), key=function(lambda v: 0))
    assert host.process(1, 2, 0) == [1, None, (None, 0)]


def test_the_state_of_a_reduce_and_what_it_emits_are_apart() -> None:
    def add(total: list[int], value: list[int]) -> list[int]:
        total.append(value[0])
        return total

    host = ListHost(specs.Reduce(function(add)), key=function(lambda v: 0))
    host.process([1])
    host.results[0].clear()
    assert host.process([2])[1] == [1, 2]
    host.results[1].clear()
    assert host.process([3])[2] == [1, 2, 3]


class Plain:
    pass


class Named:
    """A key that is compared by value, and can be changed."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def renaming(key: Any, window: Any, values: list[Any], out: Any) -> None:
    key.name = "renamed"
    out.collect(len(values))


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (specs.Reduce(function(lambda a, b: [b[0], a[1] + b[1]])), [1, 2, 3, 4]),
        (specs.WindowReduce(specs.CountWindows(4, 4), function(lambda a, b: [b[0], a[1] + b[1]])), [4]),
        (specs.WindowApply(specs.CountWindows(4, 2), function(renaming)), [2, 4]),
        (specs.WindowApply(specs.TimeWindows(10, 5), function(renaming)), [4, 4]),
        (specs.WindowReduce(specs.TimeWindows(10, 5), function(lambda a, b: [b[0], a[1] + b[1]])), [4, 4]),
    ],
)
def test_a_key_that_is_changed_in_the_record_is_the_same_key_still(operator: Any, expected: list[int]) -> None:
    host = ListHost(operator, key=KEY)
    for _ in range(4):
        record = [Named("a"), 1]
        host.process(record)
        for changed in (record, host.results[-1] if host.results else None):
            if isinstance(changed, list):
                changed[0].name = "changed"
    assert [result[1] if isinstance(result, list) else result for result in host.finish()] == expected


@pytest.mark.parametrize("key", [Plain(), ("a", Plain()), float("nan"), ("a", (float("nan"),))])
def test_keys_that_only_equal_themselves_are_refused(key: Any) -> None:
    with pytest.raises(InvalidKeyError, match="cannot be a key"):
        kept_key(key)


@pytest.mark.parametrize("key", ["a", None, 1.5, ("a", ("b", None)), frozenset("ab"), True, b""])
def test_keys_that_are_compared_by_value_are_taken(key: Any) -> None:
    kept_key(key)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers())), st.integers(1, 5), st.integers(1, 5))
def test_count_windows_are_the_last_records_at_every_slide(
    records: list[tuple[int, int]], size: int, slide: int
) -> None:
    host = ListHost(
        specs.WindowApply(
            specs.CountWindows(size, slide), function(lambda key, window, values, out: out.collect(values))
        ),
        key=KEY,
    )
    expected: list[Any] = []
    seen: dict[int, list[Any]] = {}
    for record in records:
        values = seen.setdefault(record[0], [])
        values.append(record)
        if len(values) % slide == 0:
            expected.append(values[-size:])
    host.process(*records)
    assert host.finish() == expected


def test_a_window_of_one_record_is_that_record() -> None:
    host = ListHost(specs.WindowReduce(specs.CountWindows(1, 1), ADD), key=KEY)
    assert host.process(("a", 1), ("a", 2)) == [("a", 1), ("a", 2)]


def test_tumbling_windows_fire_at_their_end() -> None:
    host = ListHost(specs.WindowApply(specs.TimeWindows(50, 50), APPLY), key=KEY, time=1_010)
    host.process(("a", 1), ("b", 2))
    assert host.move_to(1_049) == []
    host.process(("a", 3))
    assert sorted(host.move_to(1_050)) == [
        ("a", 1_000, 1_050, [("a", 1), ("a", 3)]),
        ("b", 1_000, 1_050, [("b", 2)]),
    ]
    host.process(("a", 4))
    host.move_to(2_000)
    assert host.results[2:] == [("a", 1_050, 1_100, [("a", 4)])]
    assert host.finish() == host.results[:3]


def test_open_windows_fire_at_the_end_of_the_input() -> None:
    host = ListHost(specs.WindowReduce(specs.TimeWindows(100, 50), ADD), key=KEY, time=1_010)
    host.process(("a", 1))
    host.move_to(1_060)
    host.process(("a", 2))
    assert host.finish() == [("a", 1), ("a", 3), ("a", 2)]


def test_open_windows_are_dropped_at_the_end_of_the_input_when_told_to() -> None:
    host = ListHost(specs.WindowReduce(specs.TimeWindows(50, 50), ADD), key=KEY, pipeline__end_of_input="drop")
    host.process(("a", 1))
    assert host.finish() == []


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2))),
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
)
def test_time_windows_hold_the_records_of_their_time(
    steps: list[tuple[int, int]], size: int, slide: int, reduced: bool
) -> None:
    """Also where the slide does not divide the size, or is greater."""
    total = function(lambda a, b: (a[0], a[1] + b[1]))
    windows = specs.TimeWindows(size, slide)
    operator = specs.WindowReduce(windows, total) if reduced else specs.WindowApply(windows, APPLY)
    host = ListHost(operator, key=KEY, time=1_000)
    records: list[tuple[int, tuple[int, tuple[int, ...]]]] = []
    for number, (wait, key) in enumerate(steps):
        host.move_to(host.time + wait)
        records.append((host.time, (key, (number,))))
        host.process(records[-1][1])
    expected: list[Any] = []
    for start in range((1_000 - size) // slide * slide, host.time + 1, slide):
        held = [record for time, record in records if start <= time < start + size]
        for key in dict.fromkeys(record[0] for record in held):
            values = [record for record in held if record[0] == key]
            if reduced:
                expected.append((key, sum((value[1] for value in values), ())))
            else:
                expected.append((key, start, start + size, values))
    assert sorted(host.finish()) == sorted(expected)


def test_a_pre_aggregated_reduce_gives_what_a_plain_one_gives() -> None:
    windows = specs.TimeWindows(60, 40)
    before = ListHost(specs.PreAggregate(windows, ADD), key=KEY, time=1_000)
    plain = ListHost(specs.WindowReduce(windows, ADD), key=KEY, time=1_000)
    for number in range(50):
        for host in (before, plain):
            host.process((number % 3, number))
            host.move_to(1_000 + number * 7)
    merging = ListHost(specs.WindowReduce(windows, ADD, preaggregated=True), key=KEY, time=1_000)
    partial = before.finish()
    assert len(partial) < 50 * 2
    assert before.outputs[0].marks == sorted(before.outputs[0].marks)
    assert sorted(merging.process(*partial) or merging.finish()) == sorted(plain.finish())
