"""The plan under construction, which the streams of one environment add their operators to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.spelling import nearest
from stream_engine.api.time import TimeCharacteristic
from stream_engine.graph.location import caller_location
from stream_engine.graph.specs import ClientSource
from stream_engine.graph.stream_graph import StreamEdge, StreamGraph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import Operator
    from stream_engine.graph.stream_graph import StreamNode, Upstream


class PartOfPlan:
    """Something that exists only where the plan is built; a function that uses it cannot be sent to workers."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} exists only where the plan is built")

    def __getattr__(self, name: str) -> NoReturn:
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        if not name.startswith("_"):
            own = [each for each in dir(type(self)) if not each.startswith("_")]
            meant = nearest(name, own)
            if meant:
                text += f": did you mean {meant}?"
        # Only with its name, or Python 3.12 adds a guess of its own.
        raise AttributeError(text, name=name)


class Plan(PartOfPlan):
    """The graph that the next ``execute()`` runs. Each run takes it and begins an empty one.

    A stream that was made for an earlier job can be used again: the operators it comes from are copied.
    """

    def __init__(self) -> None:
        self.graph = StreamGraph()
        self.time_characteristic = TimeCharacteristic.ProcessingTime
        self._copies: list[tuple[StreamGraph, dict[int, int]]] = []

    def add(
        self,
        operator: Operator,
        name: str,
        upstreams: tuple[Upstream, ...] = (),
        key: UserFunction | None = None,
    ) -> StreamNode:
        """Adds an operator, made at the user's line that this call comes from."""
        return self.graph.add(operator, name, upstreams, key, caller_location())

    def take(self) -> StreamGraph:
        """Returns the graph, and begins an empty one."""
        graph, self.graph, self._copies = self.graph, StreamGraph(), []
        return graph

    def current(self, graph: StreamGraph, upstreams: tuple[Upstream, ...]) -> tuple[Upstream, ...]:
        """``upstreams`` of ``graph``, an earlier graph of this plan or the current one, in the current one."""
        if graph is self.graph:
            return upstreams
        copies = self._copies_of(graph)
        self._copy(graph, graph.ancestors(upstream.node for upstream in upstreams) - copies.keys(), copies)
        return tuple(upstream._replace(node=copies[upstream.node]) for upstream in upstreams)

    def _copies_of(self, graph: StreamGraph) -> dict[int, int]:
        for earlier, copies in self._copies:
            if earlier is graph:
                return copies
        self._copies.append((graph, {}))
        return self._copies[-1][1]

    def _copy(self, graph: StreamGraph, nodes: Iterable[int], copies: dict[int, int]) -> None:
        fresh = sorted(nodes)
        for node in fresh:
            _check_readable_again(graph.nodes[node].operator)
            copies[node] = len(self.graph.nodes)
            self.graph.nodes.append(replace(graph.nodes[node], id=copies[node]))
        for node in fresh:
            for edge in graph.inputs(node):
                upstream = edge.upstream._replace(node=copies[edge.upstream.node])
                self.graph.edges.append(StreamEdge(upstream, copies[node], edge.feedback))


def _check_readable_again(operator: Any) -> None:
    if isinstance(operator, ClientSource) and iter(operator.iterable) is operator.iterable:
        refuse("This stream comes from an iterator that an earlier execute() has read to its end; make it anew.")
