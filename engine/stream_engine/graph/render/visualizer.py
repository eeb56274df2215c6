"""The plan as the JSON that Flink's plan visualizer draws."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stream_engine.graph.partitioners import ship_strategy
from stream_engine.graph.render.labels import operator_label

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamNode


def to_json(graph: JobGraph) -> str:
    """``nodes``, one for each operator, sinks last; each names its ``predecessors``.

    Beyond Flink's keys a node has its ``task``, and a predecessor may have ``selected`` (names) and ``feedback``. Flink
    writes loops as nested nodes; here they are a circle of predecessors.
    """
    predecessors = _predecessors(graph)
    nodes = [
        _node(node, task.id + 1, task.parallelism, predecessors[node.id])
        for task in graph.tasks
        for node in task.operators
    ]
    nodes.sort(key=lambda node: (node["pact"] == "Data Sink", node["id"]))
    return json.dumps({"nodes": nodes}, indent=2)


def _node(node: StreamNode, task: int, parallelism: int, predecessors: list[dict[str, Any]]) -> dict[str, Any]:
    label = operator_label(node)
    pact = "Data Source" if node.is_source else "Data Sink" if node.is_sink else "Operator"
    fields = {"id": node.id + 1, "type": label, "pact": pact, "contents": label, "parallelism": parallelism}
    return {**fields, "task": task, **({"predecessors": predecessors} if predecessors else {})}


def _predecessors(graph: JobGraph) -> dict[int, list[dict[str, Any]]]:
    """The producers of each operator's records."""
    found: dict[int, list[dict[str, Any]]] = {node.id: [] for task in graph.tasks for node in task.operators}

    def add(source: int, target: int, strategy: str, selected: tuple[str, ...] | None, feedback: bool = False) -> None:
        fields = {"id": source + 1, "ship_strategy": strategy, "side": "second" if found[target] else "first"}
        names = {} if selected is None else {"selected": list(selected)}
        found[target].append({**fields, **names, **({"feedback": True} if feedback else {})})

    for task in graph.tasks:
        for link in task.links:
            add(link.source, link.target, "FORWARD", link.selected)
    for exchange in graph.exchanges:
        head = graph.tasks[exchange.target_task].head.id
        add(exchange.source, head, ship_strategy(exchange.partitioner), exchange.selected, exchange.feedback)
    return found
