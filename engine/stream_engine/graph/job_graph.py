"""The plan as it is run: operators chained into tasks, and exchanges between the tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stream_engine.graph.identity import with_uids
from stream_engine.graph.partitioners import Broadcast, Forward, Hash, Rebalance
from stream_engine.graph.preaggregation import with_preaggregation
from stream_engine.graph.specs import (
    AssignTimestamps,
    FunctionSink,
    IterationHead,
    KafkaSink,
    KafkaSource,
    PythonSource,
    TextFileSource,
    TimeWindows,
    WindowApply,
    WindowReduce,
)
from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from stream_engine.graph.partitioners import Partitioner
    from stream_engine.graph.stream_graph import StreamEdge, StreamGraph, StreamNode

# How many names of a task's operators are shown at its beginning, and how many at its end.
_SHOWN_NAMES = 8


class Link(NamedTuple):
    """Two operators of one chain: ``target`` gets what ``source`` emits."""

    source: int
    target: int
    selected: tuple[str, ...] | None = None


class Exchange(NamedTuple):
    """A stream that crosses tasks, from operator ``source`` of ``source_task`` to the head of ``target_task``."""

    id: int
    source: int
    source_task: int
    target_task: int
    partitioner: Partitioner
    selected: tuple[str, ...] | None = None
    feedback: bool = False


class Task(NamedTuple):
    """A chain of operators, head first, that runs as ``parallelism`` subtasks. ``links`` form a tree over them."""

    id: int
    operators: tuple[StreamNode, ...]
    links: tuple[Link, ...]
    parallelism: int

    @property
    def head(self) -> StreamNode:
        return self.operators[0]

    @property
    def name(self) -> str:
        """The names of its operators, for people; of very many, the first and the last ones."""
        names = [operator.name for operator in self.operators]
        if len(names) > 2 * _SHOWN_NAMES:
            names[_SHOWN_NAMES:-_SHOWN_NAMES] = [f"({len(names) - 2 * _SHOWN_NAMES} more)"]
        return " -> ".join(names)


class JobGraph(NamedTuple):
    """Tasks in topological order (feedback aside), so that a task's id is greater than those of its inputs.

    ``timestamped`` tells whether records travel with their event time, and ``loops`` lists the groups of task ids
    that feed each other in a circle.
    """

    tasks: tuple[Task, ...]
    exchanges: tuple[Exchange, ...]
    timestamped: bool
    loops: tuple[frozenset[int], ...] = ()

    @property
    def slots(self) -> int:
        """How many workers run it: one for each subtask of the widest task."""
        return max(task.parallelism for task in self.tasks)

    @property
    def reach(self) -> list[int]:
        """Whom each worker needs a connection to: of the workers behind it, those with an index below this number.

        Where a narrow task feeds a wide one, or the other way round, most workers have nothing to say to each other.
        """
        widths = [
            sorted((self.tasks[exchange.source_task].parallelism, self.tasks[exchange.target_task].parallelism))
            for exchange in self.exchanges
            if not isinstance(exchange.partitioner, Forward)
        ]
        return [max((wide for narrow, wide in widths if index < narrow), default=0) for index in range(self.slots)]

    def inputs(self, task: int) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.target_task == task]

    def outputs(self, task: int) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.source_task == task]

    def loop_of(self, task: int) -> frozenset[int]:
        """The group of ``loops`` that a task is in; empty for one in none."""
        return next((tasks for tasks in self.loops if task in tasks), frozenset())

    def reads_files(self, task: int) -> bool:
        """Whether any records of a task come from files, directly or not."""
        waiting, seen = [task], {task}
        while waiting:
            task = waiting.pop()
            if isinstance(self.tasks[task].head.operator, TextFileSource):
                return True
            sources = {exchange.source_task for exchange in self.inputs(task)} - seen
            seen |= sources
            waiting += sources
        return False

    def looping(self, task: int) -> set[int]:
        """The operators of a task whose records may come back to it; those of the others leave the loop."""
        loop = self.loop_of(task)
        inside = {exchange.source for exchange in self.outputs(task) if exchange.target_task in loop}
        for link in reversed(self.tasks[task].links):
            if link.target in inside:
                inside.add(link.source)
        return inside


def job_graph(graph: StreamGraph, default_parallelism: int) -> JobGraph:
    """Fuses the operators of a plan into tasks.

    An operator joins the chain of its only input when no record has to move: a forward edge between equal
    parallelisms, as in Flink, and here also any edge between two operators of parallelism 1.
    Raises InvalidProgramException for a plan that cannot be run.
    """
    graph = with_uids(graph)
    _check(graph, graph.parallelisms(default_parallelism))
    graph = with_preaggregation(graph, default_parallelism)
    widths = graph.parallelisms(default_parallelism)
    head_of: dict[int, int] = {}
    members: dict[int, list[StreamNode]] = {}
    links: dict[int, list[Link]] = {}
    crossing: list[StreamEdge] = []
    for node in _topological(graph):
        edges = graph.inputs(node.id)
        if len(edges) == 1 and _fuses(edges[0], node, widths):
            head = head_of[edges[0].upstream.node]
            links[head].append(Link(edges[0].upstream.node, node.id, edges[0].upstream.selected))
        else:
            head = node.id
            members[head], links[head] = [], []
            crossing.extend(edges)
        head_of[node.id] = head
        members[head].append(node)
    task_ids = {head: index for index, head in enumerate(members)}
    tasks = tuple(
        Task(task_ids[head], tuple(operators), tuple(links[head]), widths[head]) for head, operators in members.items()
    )
    exchanges = tuple(
        Exchange(
            index,
            edge.upstream.node,
            task_ids[head_of[edge.upstream.node]],
            task_ids[head_of[edge.target]],
            _partitioner(edge, widths),
            edge.upstream.selected,
            edge.feedback,
        )
        for index, edge in enumerate(crossing)
    )
    return JobGraph(tasks, exchanges, _timestamped(graph), _loops(len(tasks), exchanges))


def _fuses(edge: StreamEdge, target: StreamNode, widths: dict[int, int]) -> bool:
    if edge.feedback or isinstance(target.operator, IterationHead):
        return False
    if widths[edge.upstream.node] != widths[target.id]:
        return False
    return isinstance(_partitioner(edge, widths), Forward)


def _partitioner(edge: StreamEdge, widths: dict[int, int]) -> Partitioner:
    source, target = widths[edge.upstream.node], widths[edge.target]
    if source == target == 1:
        return Forward()
    if edge.upstream.partitioner is not None:
        return edge.upstream.partitioner
    return Forward() if source == target else Rebalance()


def _topological(graph: StreamGraph) -> list[StreamNode]:
    """Orders inputs before their consumers. The order of creation nearly is one, but rewriting a plan adds nodes."""
    waiting = {node.id: sum(not edge.feedback for edge in graph.inputs(node.id)) for node in graph.nodes}
    nodes = {node.id: node for node in graph.nodes}
    ready = [node.id for node in graph.nodes if not waiting[node.id]]
    order: list[StreamNode] = []
    while ready:
        ready.sort(reverse=True)
        node_id = ready.pop()
        order.append(nodes[node_id])
        for edge in graph.outputs(node_id):
            if not edge.feedback:
                waiting[edge.target] -= 1
                if not waiting[edge.target]:
                    ready.append(edge.target)
    return order


def has_event_windows(node: StreamNode) -> bool:
    """Whether an operator's windows fire by the records' own time."""
    operator = node.operator
    if not isinstance(operator, WindowReduce | WindowApply):
        return False
    return isinstance(operator.windows, TimeWindows) and operator.windows.event_time


def _timestamped(graph: StreamGraph) -> bool:
    if any(isinstance(node.operator, AssignTimestamps) or has_event_windows(node) for node in graph.nodes):
        return True
    operators = [node.operator for node in graph.nodes]
    if any(isinstance(operator, KafkaSource) and operator.assigner is not None for operator in operators):
        return True
    # A source may give its records a time, and a sink may ask its context for it.
    asked = any(isinstance(operator, FunctionSink | KafkaSink) and operator.takes_context for operator in operators)
    return asked and any(isinstance(operator, PythonSource | KafkaSource) for operator in operators)


def _loops(tasks: int, exchanges: tuple[Exchange, ...]) -> tuple[frozenset[int], ...]:
    """The groups of tasks that can reach each other: nested and crossed loops are one group, as they end as one."""
    successors: dict[int, set[int]] = {task: set() for task in range(tasks)}
    for exchange in exchanges:
        successors[exchange.source_task].add(exchange.target_task)
    reach = {task: _reachable(task, successors) for task in range(tasks)}
    groups = {frozenset(other for other in reach[task] if task in reach[other]) for task in range(tasks)}
    return tuple(sorted((group for group in groups if group), key=min))


def _reachable(start: int, successors: dict[int, set[int]]) -> set[int]:
    seen: set[int] = set()
    stack = [start]
    while stack:
        for successor in successors[stack.pop()]:
            if successor not in seen:
                seen.add(successor)
                stack.append(successor)
    return seen


def _check_spread(graph: StreamGraph, node: StreamNode, widths: dict[int, int]) -> None:
    """Raises InvalidProgramException if records that enter a loop cannot travel to its readers as the script says."""
    spread = {type(edge.upstream.partitioner) for edge in graph.loop_inputs(node)} & {Hash, Broadcast}
    for edge, reader in graph.readers(node) if spread else ():
        moved = widths[node.id] != widths[reader.id] if edge.upstream.partitioner is None else Broadcast in spread
        if moved:
            method = "broadcast()" if Broadcast in spread else "key_by()"
            raise InvalidProgramException(
                f"The iteration made at {node.location} reads the stream of a {method}, but {reader.name!r}, made at "
                f"{reader.location}, reads the iteration in another way or with another parallelism: call {method} "
                "on the iteration, not before it."
            )


def _check(graph: StreamGraph, widths: dict[int, int]) -> None:
    if not graph.nodes:
        raise InvalidProgramException("There is nothing to execute: the environment has no sources.")
    for node in graph.nodes:
        if isinstance(node.operator, IterationHead) and not any(edge.feedback for edge in graph.inputs(node.id)):
            raise InvalidProgramException(
                f"The iteration made at {node.location} was never closed: call close_with(feedback) on it."
            )
        _check_spread(graph, node, widths)
    for edge in graph.edges:
        source, target = edge.upstream.node, edge.target
        if isinstance(edge.upstream.partitioner, Forward) and widths[source] != widths[target]:
            names = {node.id: node for node in graph.nodes}
            raise InvalidProgramException(
                f"forward() needs equal parallelism on both sides, but {names[source].name!r} has {widths[source]} "
                f"and {names[target].name!r}, made at {names[target].location}, has {widths[target]}."
            )
