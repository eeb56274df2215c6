"""Functions that keep, change and pass on what they are given, against copies made everywhere."""

from __future__ import annotations

import pickle
from collections import deque
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed import ListHost, ListOutput, function

from stream_engine.graph import specs
from stream_engine.graph.job_graph import Link

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.operators.writer import ChainWriter


class Functions:
    """Their records are lists ``[key, number, list]``; each object has its own things to keep them in."""

    def __init__(self) -> None:
        self.row: list[Any] = [0, 0, []]
        self.last: list[Any] = [9, 9, []]

    def same(self, record: Any) -> Any:
        return record

    def rewrapped(self, record: Any) -> Any:
        return [record[0], record[1] + 1, record[2]]

    def grown(self, record: Any) -> Any:
        record[2].append(record[1])
        return record

    def before(self, record: Any) -> Any:
        before, self.last = self.last, record
        return before

    def gathered(self, record: Any) -> Any:
        self.row[2].append(record[1])
        return self.row

    def held(self, record: Any) -> Any:
        return [record[0], record[1], self.row[2]]

    def holding(self, record: Any) -> Any:
        self.row[2] = record[2]
        return record

    def differs(self, record: Any) -> bool:
        differs = record != self.last
        self.last = record
        return differs

    def odd(self, record: Any) -> Any:
        return record[1] % 2

    def negated(self, record: Any) -> bool:
        record[1] = -record[1]
        return True

    def twice(self, record: Any, out: Any) -> None:
        out.collect(record)
        record[2].append("again")
        out.collect(record)

    def reused(self, record: Any, out: Any) -> None:
        self.row[2] = record[2]
        out.collect(self.row)

    def larger(self, a: Any, b: Any) -> Any:
        return a if a[1] > b[1] else b

    def summed(self, a: Any, b: Any) -> Any:
        a[1] += b[1]
        a[2].extend(b[2][:1])
        return a

    def shared(self, a: Any, b: Any) -> Any:
        return [a[0], a[1] + b[1], b[2]]

    def spread(self, key: Any, window: Any, values: Any, out: Any) -> None:
        for value in values:
            value[1] += 100
            out.collect(value)
        out.collect(values[0])
        out.collect(self.last)
        self.last = values[-1]


METHODS = {
    specs.Map: ("same", "rewrapped", "grown", "before", "gathered", "held", "holding"),
    specs.Filter: ("differs", "odd", "negated"),
    specs.FlatMap: ("twice", "reused"),
    specs.Reduce: ("larger", "summed", "shared"),
    specs.WindowApply: ("spread",),
}
SIZE, SLIDE = 3, 2
STEPS = [(kind, method) for kind, methods in METHODS.items() for method in methods]
records = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 2)).map(lambda pair: [*pair, [0]]), min_size=2, max_size=6
)


def key_of(record: Any) -> Any:
    return record[0]


class Texts(ListOutput):
    """Keeps no record, but what each looked like when it came."""

    def write(self, chain: ChainWriter, record: str) -> None:
        chain.code.line(f"{chain.code.bind('append', self.append)}({record})")

    def append(self, record: Any) -> None:
        self.records.append(repr(record))


class Copying:
    """The same operators, one call of a method after the other, with a copy of everything at each."""

    def __init__(self, functions: list[UserFunction | None], links: list[Link], kinds: list[type]) -> None:
        self._calls = [getattr(pickle.loads(each.payload), each.method or "") if each else None for each in functions]
        self._links, self._kinds = links, kinds
        self._values: list[dict[Any, Any]] = [{} for _ in kinds]
        self.texts: list[list[str]] = [[] for _ in kinds]

    def emit(self, operator: int, record: Any) -> None:
        self.texts[operator].append(repr(record))
        record = deepcopy(record)
        for link in self._links:
            if link.source == operator:
                self._process(link.target, deepcopy(record))

    def _process(self, operator: int, record: Any) -> None:
        call: Any = self._calls[operator]
        kind, values = self._kinds[operator], self._values[operator]
        out = type("Out", (), {"collect": lambda _, record: self.emit(operator, record)})()
        if kind is specs.Map:
            self.emit(operator, call(record))
        elif kind is specs.FlatMap:
            call(record, out)
        elif kind is specs.Filter:
            if call(record):
                self.emit(operator, record)
        elif kind is specs.Reduce:
            value = call(values[key_of(record)], record) if key_of(record) in values else record
            values[key_of(record)] = deepcopy(value)
            self.emit(operator, value)
        else:
            window, fresh = values.get(key_of(record), (deque(maxlen=SIZE), 0))
            window.append(record)
            values[key_of(record)] = window, (fresh + 1) % SLIDE
            if fresh + 1 == SLIDE:
                call(key_of(record), None, deepcopy(list(window)), out)


def check(steps: list[tuple[type, str]], sources: list[int], records: list[Any]) -> None:
    """Step n, counted from 1, is a consumer of the step ``sources[n - 1]``; 0 is the source of the records."""
    functions = [function(Functions(), method) for _, method in steps]
    operators: list[Any] = [specs.CollectionSource((), 0)]
    for (kind, _), user in zip(steps, functions, strict=True):
        operators.append(kind(specs.CountWindows(SIZE, SLIDE), user) if kind is specs.WindowApply else kind(user))
    links = [Link(source, number) for number, source in enumerate(sources, 1)]
    # Whatever comes before another consumer gets a copy, so there is an output only where there is nothing else.
    ends = sorted({*range(len(operators))}.difference(sources))
    outputs = tuple(Texts(number) for number in ends)
    host = ListHost(*operators, key=function(key_of), links=tuple(links), outputs=outputs)
    copying = Copying([None, *functions], links, [type(operator) for operator in operators])
    for each in records:
        copying.emit(0, deepcopy(each))
        host.process(deepcopy(each))
    assert [output.records for output in outputs] == [copying.texts[number] for number in ends]


@pytest.mark.parametrize("sources", [[0, 1], [0, 0]], ids=["behind", "beside"])
@pytest.mark.parametrize("first", STEPS, ids=lambda step: step[1])
def test_any_two_functions_see_what_they_would_if_everything_were_copied(
    first: tuple[type, str], sources: list[int]
) -> None:
    records = [[key, number, [0]] for key, number in ((1, 1), (1, 1), (2, 5), (2, 5), (1, 1), (1, 3), (2, 5))]
    for second in STEPS:
        check([first, second], sources, records)


@given(drawn=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9)), min_size=3, max_size=6), records=records)
def test_functions_see_what_they_would_if_everything_were_copied(drawn: list[Any], records: list[Any]) -> None:
    # Most are behind the last one.
    sources = [number if back < 6 else max(0, number - back + 5) for number, (_, back) in enumerate(drawn)]
    check([step for step, _ in drawn], sources, records)
