"""The uids by which state is found again: unique, and the same for the same plan."""

from __future__ import annotations

import pytest

from stream_engine.graph import specs
from stream_engine.graph.functions import UserFunction
from stream_engine.graph.identity import whole_uid, with_uids
from stream_engine.graph.job_graph import job_graph
from stream_engine.graph.stream_graph import StreamGraph, Upstream
from stream_engine.job import InvalidProgramException

F = UserFunction(b"", "f", None)
SOURCE = specs.CollectionSource((), 0)
MAP = specs.Map(F)
WINDOW = specs.WindowReduce(specs.TimeWindows(10, 10), F)


def line(*operators: specs.Operator) -> StreamGraph:
    """Operators, each reading the one before it."""
    graph = StreamGraph()
    for number, operator in enumerate(operators):
        graph.add(operator, str(number), (Upstream(number - 1),) if number else (), key=F)
    return graph


def uids(graph: StreamGraph) -> list[str | None]:
    return [node.uid for node in with_uids(graph).nodes]


def test_the_same_plan_has_the_same_uids_and_each_operator_its_own() -> None:
    first, second = uids(line(SOURCE, MAP, MAP, specs.Reduce(F))), uids(line(SOURCE, MAP, MAP, specs.Reduce(F)))
    assert first == second
    assert len(set(first)) == 4
    assert None not in first


def test_what_is_put_before_an_operator_changes_its_uid() -> None:
    before, after = uids(line(SOURCE, specs.Reduce(F))), uids(line(SOURCE, specs.Filter(F), specs.Reduce(F)))
    assert before[0] == after[0]
    assert before[1] not in after


def test_an_operator_behind_one_with_a_given_uid_keeps_its_own_uid() -> None:
    short, long = line(SOURCE, MAP, specs.Reduce(F)), line(SOURCE, specs.Filter(F), MAP, specs.Reduce(F))
    short.nodes[1].uid = long.nodes[2].uid = "mapped"
    assert uids(short)[1:] == uids(long)[2:]


def test_equal_operators_on_the_same_stream_have_different_uids() -> None:
    graph = line(SOURCE)
    graph.add(MAP, "one", (Upstream(0),))
    graph.add(MAP, "other", (Upstream(0),))
    assert len(set(uids(graph))) == 3


def test_windows_of_another_kind_have_another_uid_and_those_of_another_size_the_same() -> None:
    kinds = [specs.CountWindows(10, 10), specs.TimeWindows(10, 10), specs.TimeWindows(10, 10, event_time=True)]
    sizes = [specs.CountWindows(20, 10), specs.TimeWindows(20, 10), specs.TimeWindows(20, 10, event_time=True)]
    found = [uids(line(SOURCE, specs.WindowReduce(windows, F)))[1] for windows in (*kinds, *sizes)]
    assert len(set(found[:3])) == 3
    assert found[:3] == found[3:]


def test_the_script_may_give_an_operator_the_uid_that_would_be_made_for_another() -> None:
    graph = line(SOURCE, MAP)
    [_, made] = uids(graph)
    graph.add(MAP, "other", (Upstream(0),)).uid = made
    nodes = with_uids(graph).nodes
    assert [node.uid for node in nodes[1:]] == [f"{made}-2", made]
    assert [node.made_uid for node in nodes] == [True, True, False]


def test_a_uid_that_two_operators_have_is_refused() -> None:
    graph = line(SOURCE, MAP, MAP)
    graph.nodes[1].uid = graph.nodes[2].uid = "twice"
    with pytest.raises(InvalidProgramException, match=r"'twice' is that of two operators: '1', .* and '2', "):
        job_graph(graph, 1)


def test_the_plan_of_the_script_stays_as_it_is() -> None:
    graph = line(SOURCE, MAP)
    job_graph(graph, 1)
    assert [node.uid for node in graph.nodes] == [None, None]


def test_parts_of_an_operator_have_its_uid_with_a_suffix_of_their_own() -> None:
    graph = line(SOURCE)
    graph.add(SOURCE, "another")
    graph.add(WINDOW, "windows", (Upstream(0), Upstream(1)), key=F).uid = "counts"
    tasks = job_graph(graph, 2).tasks
    found = {node.uid for task in tasks for node in task.operators if not node.is_source}
    assert found == {"counts", "counts (local 1)", "counts (local 2)"}
    assert {whole_uid(uid) for uid in found if uid is not None} == {"counts"}
