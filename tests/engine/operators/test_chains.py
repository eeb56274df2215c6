"""Operators that look at one record alone, and how they are fused."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import numpy
import pytest
from listed import ListHost, ListOutput, function

from stream_engine.graph import specs
from stream_engine.graph.job_graph import Link
from stream_engine.operators.code import Site, is_generated, site_of

PASS = specs.CollectionSource((), 0)


def test_a_record_passes_the_whole_chain_before_the_next_enters() -> None:
    seen: list[str] = []

    class Noting:
        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, value: Any) -> Any:
            value[1].append(self.name)
            return value

    host = ListHost(specs.Map(function(Noting("a"))), specs.Map(function(Noting("b"))), pipeline__object_reuse=True)
    host.chain.process_batch([("x", seen), ("y", seen)])
    assert seen == ["a", "b", "a", "b"]
    assert len(host.results) == 2


def test_map_flat_map_and_filter() -> None:
    host = ListHost(
        specs.Map(function(lambda v: v + 1)),
        specs.FlatMap(function(lambda v, out: [out.collect(v * 10 + n) for n in range(v)])),
        specs.Filter(function(lambda v: v % 2)),
    )
    assert host.process(0, 1, 2) == [21, 31]


def test_a_filter_is_tested_for_truth() -> None:
    assert ListHost(specs.Filter(function(lambda v: v))).process(0, "", [], None, "x", [0], 2) == ["x", [0], 2]


KINDS = {
    "map": lambda: specs.Map(function(lambda v: v + 1)),
    "filter": lambda: specs.Filter(function(lambda v: v)),
    "split": lambda: specs.Split(function(lambda v: "all")),
    "reduce": lambda: specs.Reduce(function(lambda a, b: b)),
}


@pytest.mark.parametrize("kinds", [("map",), ("filter", "map"), ("split", "map"), ("reduce", "map")], ids=" ".join)
def test_a_chain_of_a_thousand_operators(kinds: tuple[str, ...]) -> None:
    host = ListHost(*(KINDS[kinds[n % len(kinds)]]() for n in range(1000)), key=function(lambda v: v))
    assert host.process(1, 2) == [1 + 1000 // len(kinds), 2 + 1000 // len(kinds)]


def test_an_error_far_down_a_chain_names_its_operator_and_record() -> None:
    host = ListHost(*(specs.Map(function(lambda v, n=n: v + 1 if n != 700 else v / 0)) for n in range(1000)))
    with pytest.raises(ZeroDivisionError) as caught:
        host.process(5)
    traceback: Any = caught.tb.tb_next
    while is_generated(traceback.tb_next.tb_frame.f_code):
        traceback = traceback.tb_next
    site = site_of(traceback.tb_frame.f_code, traceback.tb_lineno)
    assert site == Site(700, "function", ANY)
    assert site.record is not None
    assert traceback.tb_frame.f_locals[site.record] == 705


def test_a_chain_that_branches_reaches_all_its_ends() -> None:
    links = (Link(0, 1), Link(0, 2), Link(2, 3))
    ends = (ListOutput(1), ListOutput(3), ListOutput(0))
    times = [specs.Map(function(lambda v, n=n: v * n)) for n in (2, 3, 5)]
    ListHost(PASS, *times, links=links, outputs=ends).process(1, 10)
    assert [end.records for end in ends] == [[2, 20], [15, 150], [1, 10]]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *(("a", "ax"), (["a", "a"], "ax"), (("b",), "x"), ({"a", "b"}, "ax"), ([], ""), (["c"], ""), ("ab", "")),
        *((frozenset("b"), "x"), ({"a": 1}, "ax"), (numpy.str_("a"), "ax"), (range(0), "")),
    ],
)
def test_a_split_record_goes_once_to_each_selection_that_has_one_of_its_names(given: Any, expected: str) -> None:
    ends = (ListOutput(0, ("a",)), ListOutput(0, ("a", "b")), ListOutput(0, ()))
    ListHost(specs.Split(function(lambda v: v)), outputs=ends).process(given)
    assert [len(end.records) for end in ends] == [int("a" in expected), int("x" in expected), 0]


def test_a_selector_may_yield_its_names() -> None:
    ends = (ListOutput(0, ("a",)), ListOutput(0, ("b",)))
    ListHost(specs.Split(function(lambda v: (name for name in v))), outputs=ends).process("b", "ab", "")
    assert [end.records for end in ends] == [["ab"], ["b", "ab"]]


@pytest.mark.parametrize("returned", [None, 1, True, b"a", 1.5, [1], (None,), {1}, ["a", 2]], ids=repr)
@pytest.mark.parametrize("selected", [("a",), None])
def test_a_selector_that_gives_no_names_is_told_what_to_return(returned: Any, selected: tuple[str] | None) -> None:
    host = ListHost(specs.Split(function(lambda v: returned)), outputs=(ListOutput(0, selected),))
    with pytest.raises(TypeError, match=r"(?s)returned .*must return the names of the outputs.* a list of str or one"):
        host.process("record")


def test_a_selector_that_forgets_a_case_is_told_at_that_record() -> None:
    host = ListHost(specs.Split(function(lambda v: "a" if v else None)), outputs=(ListOutput(0, ("a",)),))
    with pytest.raises(TypeError, match="returned None"):
        host.process(1, 2, 0)
    assert host.results == [1, 2]


@pytest.mark.parametrize("reuse", [False, True])
def test_consumers_share_a_record_only_when_told_to(reuse: bool) -> None:
    links = (Link(0, 1), Link(0, 2))
    spoil = specs.Map(function(lambda row: row.append("spoilt") or row))
    ends = (ListOutput(1), ListOutput(2))
    ListHost(PASS, spoil, spoil, links=links, outputs=ends, pipeline__object_reuse=reuse).process(["row"])
    expected = ["row", "spoilt", "spoilt"] if reuse else ["row", "spoilt"]
    assert [end.records for end in ends] == [[expected], [expected]]


def twice(value: Any, out: Any) -> None:
    row = [value]
    out.collect(row)
    out.collect(row)


def spoil(row: Any) -> Any:
    row.append("spoilt")
    return row


@pytest.mark.parametrize(
    "between",
    [
        specs.Map(function(lambda row: row)), specs.Filter(function(lambda row: row[0])),
        specs.Split(function(lambda row: "all")), specs.Reduce(function(lambda a, b: b)), PASS,
    ],
    ids=lambda operator: type(operator).__name__,
)  # fmt: skip
def test_what_an_operator_between_passes_on_cannot_be_spoilt_by_the_next(between: Any) -> None:
    key = function(lambda row: row[0])
    host = ListHost(specs.FlatMap(function(twice)), between, specs.Map(function(spoil)), key=key)
    assert host.process(1) == [[1, "spoilt"], [1, "spoilt"]]
    links = (Link(0, 1), Link(1, 2), Link(0, 3))
    ends = (ListOutput(2), ListOutput(3))
    ListHost(PASS, between, specs.Map(function(spoil)), PASS, key=key, links=links, outputs=ends).process([1])
    assert [end.records for end in ends] == [[[1, "spoilt"]], [[1]]]


def test_nothing_is_copied_for_functions_that_only_read() -> None:
    row = [1]
    same = specs.Map(function(lambda row: row))
    host = ListHost(specs.FlatMap(function(lambda row, out: out.collect(row))), same, specs.Filter(function(len)), same)
    assert host.process(row)[0] is not row
    host = ListHost(specs.FlatMap(function(lambda row, out: out.collect(row))), same, same)
    assert host.process(row)[0] is row


def test_a_function_has_its_own_copy_in_each_subtask() -> None:
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def map(self, value: Any) -> int:
            self.count += 1
            return self.count

    operator = specs.Map(function(Counter(), "map"))
    first, second = ListHost(operator), ListHost(operator)
    assert first.process("x", "x") == [1, 2]
    assert second.process("x") == [1]


def test_lines_are_held_back_until_the_chain_is_flushed() -> None:
    host = ListHost(specs.ConsoleSink("id"), index=1, width=3)
    host.process("a", 2)
    assert host.writers[0].lines == []
    host.flush()
    assert host.writers[0].lines == ["id:2> a", "id:2> 2"]
    host.process(("b",))
    host.finish()
    assert host.writers[0].lines[2:] == ["id:2> ('b',)"]
    assert host.writers[0].closed


@pytest.mark.parametrize(
    ("identifier", "width", "line"), [(None, 1, "v"), (None, 2, "1> v"), ("i", 1, "i> v"), ("i", 2, "i:1> v")]
)
def test_the_prefix_of_a_line(identifier: str | None, width: int, line: str) -> None:
    host = ListHost(specs.ConsoleSink(identifier), width=width)
    host.process("v")
    host.finish()
    assert host.writers[0].lines == [line]


@pytest.mark.parametrize("windows", [specs.CountWindows(1, 1), specs.TimeWindows(10, 10)], ids=["count", "time"])
def test_what_a_window_function_emits_again_cannot_be_spoilt_by_the_next_function(windows: Any) -> None:
    def emit_twice(key: Any, window: Any, values: Any, out: Any) -> None:
        twice(values[0], out)

    host = ListHost(specs.WindowApply(windows, function(emit_twice)), specs.Map(function(spoil)), key=function(len))
    host.process("x")
    assert host.finish() == [["x", "spoilt"], ["x", "spoilt"]]


class Keeping:
    """Keeps what it was called with last, as functions do that compare a record with the one before."""

    def __init__(self) -> None:
        self.last: Any = None
        self.row: list[Any] = []

    def differs(self, value: Any) -> bool:
        differs = value != self.last
        self.last = value
        return differs

    def names(self, value: Any) -> list[str]:
        return ["all"] if self.differs(value) else []

    def latest(self, a: Any, b: Any) -> Any:
        self.row[:] = [b[0], "latest"]
        return self.row

    def gather(self, value: Any) -> Any:
        self.row.append(value[0])
        return self.row


@pytest.mark.parametrize(
    ("keeping", "expected"),
    [
        (specs.Filter(function(Keeping(), "differs")), [[1, "spoilt"], [2, "spoilt"]]),
        (specs.Split(function(Keeping(), "names")), [[1, "spoilt"], [2, "spoilt"]]),
        (specs.Map(function(Keeping(), "gather")), [[1, "spoilt"], [1, 1, "spoilt"], [1, 1, 2, "spoilt"]]),
        (specs.Reduce(function(Keeping(), "latest")), [[1, "spoilt"], [1, "latest", "spoilt"], [2, "spoilt"]]),
    ],
)  # fmt: skip
def test_what_a_function_keeps_cannot_be_spoilt_by_the_next(keeping: Any, expected: list[Any]) -> None:
    links = (Link(0, 1), Link(1, 2, ("all",))) if isinstance(keeping, specs.Split) else None
    host = ListHost(PASS, keeping, specs.Map(function(spoil)), key=function(lambda row: row[0]), links=links)
    host.process([1], [1], [2])
    assert host.results == expected


def test_lines_wait_in_a_file_s_buffer_for_a_second_at_most() -> None:
    host = ListHost(specs.TextFileSink("path"), time=5000)
    host.process("a")
    host.flush()
    host.move_to(5999)
    assert host.writers[0].flushed == 0
    host.process("b")
    host.move_to(6000)
    assert host.writers[0].flushed == 2
    # Without lines there is nothing to wake up for.
    host.move_to(60_000)
    assert host.timers == []
    host.process("c")
    host.flush()
    host.move_to(61_000)
    assert host.writers[0].flushed == 3
