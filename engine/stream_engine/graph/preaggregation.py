"""Rewrites a plan so that windowed reduces are computed in part before their records cross to another worker.

A reduce is associative by contract, so each producer reduces the records of a key and pane to one, and only that one
travels. Without it, every record of a windowed word count would be serialised.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stream_engine.graph.identity import local_uid
from stream_engine.graph.partitioners import HashPartial
from stream_engine.graph.specs import PreAggregate, TimeWindows, WindowReduce
from stream_engine.graph.stream_graph import StreamEdge, StreamGraph, Upstream

if TYPE_CHECKING:
    from stream_engine.graph.stream_graph import StreamNode


def with_preaggregation(graph: StreamGraph, default_parallelism: int) -> StreamGraph:
    """The plan with a PreAggregate before every exchange to a windowed reduce. ``graph`` stays as it is."""
    rewritten = StreamGraph(list(graph.nodes), list(graph.edges))
    widths = graph.parallelisms(default_parallelism)
    for node in graph.nodes:
        if _worthwhile(graph, node, widths):
            _insert(rewritten, node, widths)
    return rewritten


def _worthwhile(graph: StreamGraph, node: StreamNode, widths: dict[int, int]) -> bool:
    operator = node.operator
    if not isinstance(operator, WindowReduce) or not isinstance(operator.windows, TimeWindows):
        return False
    if operator.late_output is not None:
        return False
    # Only the time of all inputs tells which records are late, and late firings count record by record.
    if operator.windows.event_time:
        return False
    return widths[node.id] > 1 or any(widths[edge.upstream.node] > 1 for edge in graph.inputs(node.id))


def _insert(graph: StreamGraph, node: StreamNode, widths: dict[int, int]) -> None:
    operator = node.operator
    assert isinstance(operator, WindowReduce) and isinstance(operator.windows, TimeWindows)
    graph.nodes[graph.nodes.index(node)] = replace(node, operator=operator._replace(preaggregated=True))
    for index, edge in enumerate(graph.inputs(node.id)):
        producer = edge.upstream.node
        local = replace(
            node,
            id=len(graph.nodes),
            operator=PreAggregate(operator.windows, operator.function),
            name=f"{node.name} (local)",
            parallelism=widths[producer],
            uid=None if node.uid is None else local_uid(node.uid, index),
        )
        graph.nodes.append(local)
        graph.edges.remove(edge)
        graph.edges.append(StreamEdge(Upstream(producer, None, edge.upstream.selected), local.id))
        graph.edges.append(StreamEdge(Upstream(local.id, HashPartial()), node.id))
