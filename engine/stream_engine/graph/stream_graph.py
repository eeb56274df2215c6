"""The plan as the script wrote it: one node per operator, one edge per stream between two of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from stream_engine.graph.specs import (
    PARALLEL_SOURCES,
    SINKS,
    SOURCES,
    IterationHead,
    PythonSource,
    SocketSink,
    Split,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.location import Location
    from stream_engine.graph.partitioners import Partitioner
    from stream_engine.graph.specs import Operator


class Upstream(NamedTuple):
    """One producer of a stream: a node, how its records are spread, and which of its outputs are selected.

    ``partitioner`` None leaves the choice to the plan: forward between equal parallelisms, otherwise rebalance.
    ``selected`` None takes every record except late ones; otherwise those that the Split gave one of these names, or
    the late records of a window with this ``late_output``.
    """

    node: int
    partitioner: Partitioner | None = None
    selected: tuple[str, ...] | None = None


class StreamEdge(NamedTuple):
    """``upstream`` feeds node ``target``; ``feedback`` closes a loop."""

    upstream: Upstream
    target: int
    feedback: bool = False


@dataclass
class StreamNode:
    """An operator. Name, parallelism and uid may still be set by the script until the plan is executed.

    ``key`` is the selector of the keyed stream that the operator works on; ``location`` the line that made it.
    ``made_uid`` says that the script has not given its uid.
    """

    id: int
    operator: Operator
    name: str
    key: UserFunction | None = None
    location: Location | None = None
    parallelism: int | None = None
    uid: str | None = None
    made_uid: bool = False

    @property
    def is_source(self) -> bool:
        return isinstance(self.operator, SOURCES)

    @property
    def is_sink(self) -> bool:
        return isinstance(self.operator, SINKS)


@dataclass
class StreamGraph:
    """Nodes by id, in the order of their creation; the inputs of a node come before it, except feedback."""

    nodes: list[StreamNode] = field(default_factory=list)
    edges: list[StreamEdge] = field(default_factory=list)

    def add(
        self,
        operator: Operator,
        name: str,
        upstreams: tuple[Upstream, ...] = (),
        key: UserFunction | None = None,
        location: Location | None = None,
    ) -> StreamNode:
        """Adds an operator that reads ``upstreams``."""
        node = StreamNode(len(self.nodes), operator, name, key, location)
        self.nodes.append(node)
        self.edges.extend(StreamEdge(upstream, node.id) for upstream in upstreams)
        return node

    def close_loop(self, head: int, upstreams: tuple[Upstream, ...]) -> None:
        """Feeds ``upstreams`` back to the IterationHead ``head``."""
        self.edges.extend(StreamEdge(upstream, head, feedback=True) for upstream in upstreams)

    def inputs(self, node: int) -> list[StreamEdge]:
        return [edge for edge in self.edges if edge.target == node]

    def outputs(self, node: int) -> list[StreamEdge]:
        return [edge for edge in self.edges if edge.upstream.node == node]

    def ancestors(self, nodes: Iterable[int]) -> set[int]:
        """``nodes`` and all that their records come from, loops included."""
        found: set[int] = set()
        waiting = set(nodes)
        while waiting:
            node = waiting.pop()
            found.add(node)
            waiting.update(edge.upstream.node for edge in self.inputs(node) if edge.upstream.node not in found)
        return found

    def parallelisms(self, default: int) -> dict[int, int]:
        """Each node's own, by its id, or the default.

        A source that cannot be divided runs with 1, and so does a sink that writes to a socket. Splitting moves no
        record: a Split is as wide as its input. The head of a loop whose input is spread in some way is as wide as its
        reader, which the script meant.
        """
        widths: dict[int, int] = {}
        for node in self.nodes:
            near: set[int] = set()
            if isinstance(node.operator, Split):
                near = {widths[edge.upstream.node] for edge in self.inputs(node.id)}
            elif any(edge.upstream.partitioner is not None for edge in self.loop_inputs(node)):
                near = {reader.parallelism or _default(reader, default) for _, reader in self.readers(node)}
            widths[node.id] = node.parallelism or (near.pop() if len(near) == 1 else _default(node, default))
        return widths

    def loop_inputs(self, node: StreamNode) -> list[StreamEdge]:
        """The inputs of a loop from outside, if ``node`` is its head."""
        if not isinstance(node.operator, IterationHead):
            return []
        return [edge for edge in self.inputs(node.id) if not edge.feedback]

    def readers(self, node: StreamNode) -> list[tuple[StreamEdge, StreamNode]]:
        """The readers of ``node``, with their edges; instead of a Split as wide as ``node``, the Split's readers."""
        found: list[tuple[StreamEdge, StreamNode]] = []
        waiting, seen = [node.id], {node.id}
        while waiting:
            for edge in self.outputs(waiting.pop()):
                target = self.nodes[edge.target]
                if not isinstance(target.operator, Split) or target.parallelism:
                    found.append((edge, target))
                elif target.id not in seen:
                    seen.add(target.id)
                    waiting.append(target.id)
        return found


def _default(node: StreamNode, default: int) -> int:
    operator = node.operator
    if isinstance(operator, PythonSource):
        return default if operator.parallel else 1
    if isinstance(operator, SocketSink):
        # As in Flink: one connection, since many a server takes no other.
        return 1
    return 1 if node.is_source and not isinstance(operator, PARALLEL_SOURCES) else default
