"""Which operators are fused into tasks, and what runs between the tasks."""

from __future__ import annotations

from typing import Any

import pytest

from stream_engine.graph import specs
from stream_engine.graph.functions import UserFunction
from stream_engine.graph.job_graph import JobGraph, job_graph
from stream_engine.graph.partitioners import Broadcast, Forward, Hash, HashPartial, Rebalance, Shuffle
from stream_engine.graph.stream_graph import StreamGraph, Upstream
from stream_engine.job import InvalidProgramException

F = UserFunction(b"", "f", None)
SOURCE = specs.CollectionSource((), 0)
WINDOWS = specs.TimeWindows(10, 10)


class Sketch:
    """A plan whose operators are named by single letters."""

    def __init__(self) -> None:
        self.graph = StreamGraph()
        self._ids: dict[str, int] = {}

    def add(self, name: str, operator: Any, *inputs: str, partitioner: Any = None, width: int | None = None) -> Sketch:
        upstreams = tuple(Upstream(self._ids[each], partitioner) for each in inputs)
        node = self.graph.add(operator, name, upstreams)
        node.parallelism = width
        self._ids[name] = node.id
        return self

    def tasks(self, parallelism: int) -> list[tuple[str, int]]:
        return [
            ("".join(node.name for node in task.operators), task.parallelism) for task in self.job(parallelism).tasks
        ]

    def job(self, parallelism: int) -> JobGraph:
        return job_graph(self.graph, parallelism)


def test_operators_of_equal_parallelism_are_one_task() -> None:
    sketch = (
        Sketch().add("s", specs.SequenceSource(1, 2)).add("m", specs.Map(F), "s").add("o", specs.ConsoleSink(), "m")
    )
    assert sketch.tasks(3) == [("smo", 3)]
    assert sketch.job(3).exchanges == ()
    assert sketch.job(3).slots == 3


def test_a_source_that_cannot_be_divided_is_a_task_of_its_own() -> None:
    sketch = Sketch().add("s", SOURCE).add("m", specs.Map(F), "s")
    assert sketch.tasks(1) == [("sm", 1)]
    assert sketch.tasks(2) == [("s", 1), ("m", 2)]
    (exchange,) = sketch.job(2).exchanges
    assert (exchange.source_task, exchange.target_task, exchange.partitioner) == (0, 1, Rebalance())


@pytest.mark.parametrize("partitioner", [Rebalance(), Shuffle(), Broadcast(), Hash(F)])
def test_spreading_cuts_a_chain_unless_there_is_one_subtask_only(partitioner: Any) -> None:
    sketch = Sketch().add("s", specs.SequenceSource(1, 2)).add("m", specs.Map(F), "s", partitioner=partitioner)
    assert sketch.tasks(1) == [("sm", 1)]
    assert sketch.tasks(2) == [("s", 2), ("m", 2)]
    assert sketch.job(2).exchanges[0].partitioner == partitioner


def test_a_chain_may_branch_and_a_union_begins_a_new_one() -> None:
    sketch = Sketch().add("s", SOURCE).add("a", specs.Map(F), "s").add("b", specs.Map(F), "s")
    sketch.add("u", specs.Map(F), "a", "b").add("o", specs.ConsoleSink(), "u")
    assert sketch.tasks(1) == [("sab", 1), ("uo", 1)]
    job = sketch.job(1)
    assert [(link.source, link.target) for link in job.tasks[0].links] == [(0, 1), (0, 2)]
    assert [(exchange.source, exchange.partitioner) for exchange in job.inputs(1)] == [(1, Forward()), (2, Forward())]
    assert job.outputs(0) == job.inputs(1)
    assert job.tasks[0].head.name == "s"


def test_a_stream_united_with_itself_arrives_twice() -> None:
    sketch = Sketch().add("s", SOURCE).add("u", specs.Map(F), "s", "s")
    assert len(sketch.job(1).inputs(1)) == 2


def test_operators_keep_their_own_parallelism() -> None:
    sketch = Sketch().add("s", specs.SequenceSource(1, 2), width=2).add("m", specs.Map(F), "s", width=4)
    sketch.add("o", specs.ConsoleSink(), "m", width=4)
    assert sketch.tasks(1) == [("s", 2), ("mo", 4)]
    assert sketch.job(1).slots == 4


def test_a_split_is_as_wide_as_its_input() -> None:
    sketch = Sketch().add("s", SOURCE).add("p", specs.Split(F), "s")
    assert sketch.tasks(4) == [("sp", 1)]


def test_forward_between_unequal_parallelism_is_refused() -> None:
    sketch = Sketch().add("s", SOURCE).add("m", specs.Map(F), "s", partitioner=Forward())
    with pytest.raises(InvalidProgramException, match=r"forward\(\) needs equal parallelism"):
        sketch.job(2)
    assert sketch.tasks(1) == [("sm", 1)]


def test_a_plan_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(InvalidProgramException, match="nothing to execute"):
        job_graph(StreamGraph(), 1)


def test_an_iteration_that_was_not_closed_is_refused() -> None:
    sketch = Sketch().add("s", SOURCE).add("i", specs.IterationHead(), "s")
    with pytest.raises(InvalidProgramException, match="never closed"):
        sketch.job(1)


def test_a_windowed_reduce_is_computed_in_part_before_its_exchange() -> None:
    sketch = Sketch().add("s", SOURCE).add("m", specs.Map(F), "s", width=2)
    sketch.add("w", specs.WindowReduce(WINDOWS, F), "m", partitioner=Hash(F), width=2)
    assert sketch.tasks(1) == [("s", 1), ("mw (local)", 2), ("w", 2)]
    job = sketch.job(1)
    assert isinstance(job.inputs(2)[0].partitioner, HashPartial)
    operator = job.tasks[2].head.operator
    assert isinstance(operator, specs.WindowReduce)
    assert operator.preaggregated


def test_a_windowed_reduce_of_one_subtask_is_computed_at_once() -> None:
    sketch = Sketch().add("s", SOURCE).add("w", specs.WindowReduce(WINDOWS, F), "s", partitioner=Hash(F))
    assert sketch.tasks(1) == [("sw", 1)]


@pytest.mark.parametrize(
    "operator",
    [
        specs.WindowApply(WINDOWS, F),
        specs.WindowReduce(specs.CountWindows(2, 2), F),
        specs.WindowReduce(WINDOWS, F, late_output="late"),
    ],
)
def test_what_needs_each_record_gets_each_record(operator: Any) -> None:
    sketch = Sketch().add("s", SOURCE).add("w", operator, "s", partitioner=Hash(F))
    assert sketch.tasks(2) == [("s", 1), ("w", 2)]
    assert sketch.job(2).exchanges[0].partitioner == Hash(F)


def test_tasks_come_after_those_they_read_from() -> None:
    sketch = Sketch().add("s", SOURCE)
    sketch.add("w", specs.WindowReduce(WINDOWS, F), "s", partitioner=Hash(F))
    sketch.add("v", specs.WindowReduce(WINDOWS, F), "w", partitioner=Hash(F)).add("o", specs.ConsoleSink(), "v", "s")
    job = sketch.job(3)
    assert all(exchange.source_task < exchange.target_task for exchange in job.exchanges)
    assert [task.id for task in job.tasks] == list(range(len(job.tasks)))
    assert job.loops == ()


def test_tasks_in_a_circle_are_a_loop() -> None:
    sketch = Sketch().add("s", SOURCE).add("i", specs.IterationHead(), "s").add("m", specs.Map(F), "i")
    sketch.add("o", specs.ConsoleSink(), "m")
    sketch.graph.close_loop(1, (Upstream(2),))
    job = sketch.job(1)
    assert [task.name for task in job.tasks] == ["s", "i -> m -> o"]
    assert job.loops == (frozenset({1}),)
    assert [exchange.feedback for exchange in job.inputs(1)] == [False, True]


@pytest.mark.parametrize("partitioner", [Broadcast(), Forward(), Hash(F), Shuffle()])
def test_a_loop_begins_as_wide_as_what_reads_records_that_were_spread(partitioner: Any) -> None:
    sketch = Sketch().add("s", specs.SequenceSource(1, 9), width=2)
    sketch.add("i", specs.IterationHead(), "s", partitioner=partitioner).add("p", specs.Split(F), "i")
    sketch.add("m", specs.Map(F), "p", width=2)
    sketch.graph.close_loop(1, (Upstream(3),))
    assert sketch.tasks(3) == [("s", 2), ("ipm", 2)]
    assert sketch.job(3).exchanges[0].partitioner == partitioner


@pytest.mark.parametrize(
    ("before", "behind", "method"),
    [(Broadcast(), Hash(F), "broadcast"), (Broadcast(), None, "broadcast"), (Hash(F), None, "key_by")],
)
def test_a_loop_whose_records_would_not_arrive_as_the_script_says_is_refused(
    before: Any, behind: Any, method: str
) -> None:
    sketch = Sketch().add("s", SOURCE).add("i", specs.IterationHead(), "s", partitioner=before)
    sketch.add("m", specs.Map(F), "i", partitioner=behind).add("w", specs.Map(F), "i", width=3)
    sketch.graph.close_loop(1, (Upstream(2),))
    with pytest.raises(InvalidProgramException, match=rf"call {method}\(\) on the iteration, not before it"):
        sketch.job(2)


def test_splits_of_splits_that_meet_again_are_as_wide_as_the_first() -> None:
    sketch = Sketch().add("s", specs.SequenceSource(1, 9), width=3)
    # Deeper than Python's own stack; and whoever went every way would never come to the end.
    for _ in range(1100):
        sketch.add("s", specs.Split(F), "s", "s")
    assert sketch.tasks(2)[-1] == ("s", 3)


def test_a_task_of_many_operators_has_a_name_that_can_be_read() -> None:
    sketch = Sketch().add("first", SOURCE)
    for number in range(1, 101):
        sketch.add(str(number), specs.Map(F), "first" if number == 1 else str(number - 1))
    [task] = sketch.job(1).tasks
    assert task.name.startswith("first -> 1 -> 2 -> ")
    assert task.name.endswith(" -> 7 -> (85 more) -> 93 -> 94 -> 95 -> 96 -> 97 -> 98 -> 99 -> 100")


def test_workers_need_connections_where_one_may_send_to_the_other():
    narrow = Sketch().add("a", SOURCE).add("b", specs.Map(F), "a", partitioner=Rebalance(), width=4)
    wide = Sketch().add("a", SOURCE).add("b", specs.Map(F), "a", partitioner=Rebalance(), width=3)
    wide.add("c", specs.Map(F), "b", partitioner=Hash(F), width=3).add("d", specs.Map(F), "c", width=5)
    alone = Sketch().add("a", SOURCE).add("b", specs.Map(F), "a", width=1)

    assert narrow.job(4).reach == [4, 0, 0, 0]
    assert wide.job(5).reach == [5, 5, 5, 0, 0]
    assert alone.job(4).reach == [0]


def test_workers_need_no_connections_where_records_stay_in_their_worker():
    sketch = Sketch().add("a", specs.SequenceSource(1, 9), width=3)
    sketch.add("b", specs.Map(F), "a", partitioner=Forward(), width=3).add("c", specs.SequenceSource(1, 9), width=3)
    sketch.add("d", specs.Map(F), "b", "c", partitioner=Forward(), width=3)

    assert {type(exchange.partitioner) for exchange in sketch.job(3).exchanges} == {Forward}
    assert sketch.job(3).reach == [0, 0, 0]
