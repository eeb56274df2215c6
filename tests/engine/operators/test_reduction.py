"""The values that reduces keep, when what they make them of may change, against copies made everywhere."""

from __future__ import annotations

from copy import deepcopy
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed import ListHost, ListOutput, function

from stream_engine.api.analysis.results import made_fields
from stream_engine.graph import specs

pytestmark = pytest.mark.usefixtures("each_backend")

REDUCES = {
    "sum": lambda a, b: (a[0], a[1] + b[1], a[2]),
    "latest": lambda a, b: (a[0], a[1], b[2]),
    "all": lambda a, b: (a[0], a[1] + b[1], b[2]),
    "moving": lambda a, b: (a[1], a[2], b[2]),
    "pair": lambda a, b: (a[0], b[1], (a[2], b[2])[1]),
}
# Each begins anew from what the strategies say.
things = st.one_of(st.integers(0, 3), st.text(max_size=2), st.builds(list, st.lists(st.integers(0, 3), max_size=2)))
numbers = st.sampled_from([1, 0.5, Fraction(1, 3), True])
records = st.lists(st.tuples(st.sampled_from("ab"), numbers, things), max_size=8)


class Changing(ListOutput):
    """Keeps what each record looked like when it came, and then changes what can be changed of it."""

    def write(self, chain: Any, record: str) -> None:
        chain.code.line(f"{chain.code.bind('take', self.take)}({record})")

    def take(self, record: Any) -> None:
        self.records.append(repr(record))
        change(record)


def change(record: Any) -> None:
    for field in record:
        if isinstance(field, list):
            field.append("changed")


def copied(reduce: Any, records: list[Any]) -> list[str]:
    values: dict[Any, Any] = {}
    seen: list[str] = []
    for record in records:
        key = record[0]
        values[key] = deepcopy(reduce(values[key], deepcopy(record)) if key in values else record)
        seen.append(repr(values[key]))
    return seen


def host_of(reduce: Any, **more: Any) -> ListHost:
    key = function(lambda record: record[0])
    return ListHost(specs.Reduce(function(reduce)), key=key, outputs=(Changing(0, exposes=True),), **more)


@pytest.mark.parametrize("name", REDUCES)
@given(records=records, cut=st.integers(0, 8))
def test_a_value_is_kept_as_it_was_whatever_becomes_of_records_and_results(
    name: str, records: list[Any], cut: int
) -> None:
    expected = copied(REDUCES[name], deepcopy(records))
    first = host_of(REDUCES[name])
    for record in records[:cut]:
        first.process(record)
        change(record)
    second = host_of(REDUCES[name], snapshots=[first.snapshot()])
    for record in records[cut:]:
        second.process(record)
        change(record)
    assert first.results + second.results == expected


def test_what_a_function_makes_is_looked_at_and_what_it_takes_over_is_not() -> None:
    reduce = REDUCES["sum"]
    assert made_fields(reduce) == (1,)
    host = host_of(reduce)
    host.process(("a", 1, "x"), ("a", 2, "x"))
    looked_at = [name for name in host.chain.process.__code__.co_names if name.startswith("likely")]
    assert len(looked_at) == 1


@pytest.mark.parametrize("operator", [specs.Reduce, lambda f: specs.WindowReduce(specs.TimeWindows(50, 50), f)])
def test_mutable_values_are_still_known_after_a_restore(operator: Any) -> None:
    key = function(lambda record: record[0])
    first = ListHost(operator(function(REDUCES["sum"])), key=key)
    first.process(("a", 1, ["kept"]))
    second = ListHost(
        operator(function(REDUCES["sum"])), key=key, snapshots=[first.snapshot()], outputs=(Changing(0, exposes=True),)
    )
    second.process(("a", 1, 0), ("a", 1, 0))
    second.finish()
    assert second.results[-1] == "('a', 3, ['kept'])"
