"""A split stream, whose records have names by which they can be selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.streams import DataStream
from stream_engine.graph.partitioners import Forward
from stream_engine.graph.stream_graph import Upstream

if TYPE_CHECKING:
    from stream_engine.api.plan import Plan
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import Split


class SplitStream(DataStream):
    """All records; ``select`` takes some of them."""

    def select(self, *names: str) -> DataStream:
        """The records with any of these names, each once. A name that no record has selects nothing."""
        if not names or not all(isinstance(name, str) for name in names):
            refuse(f"select() takes names of outputs, at least one and each a str, not {names}.")
        return DataStream(self._plan, tuple(upstream._replace(selected=names) for upstream in self._inputs()))


def split(
    plan: Plan, upstreams: tuple[Upstream, ...], operator: Split, name: str, key: UserFunction | None = None
) -> SplitStream:
    """The stream of ``upstreams`` with names. The split comes first, then each is spread as the script said.

    There is an operator for each way in which they travel. It names the records where they are, or if there is a
    ``key`` where they go.
    """
    groups: dict[object, list[Upstream]] = {}
    for upstream in upstreams:
        groups.setdefault(upstream.partitioner, []).append(upstream)
    nodes = [plan.add(operator, name, tuple(group if key else map(_unmoved, group)), key) for group in groups.values()]
    outputs = tuple(Upstream(node.id, group[0].partitioner) for node, group in zip(nodes, groups.values(), strict=True))
    return SplitStream(plan, outputs, nodes[0] if len(nodes) == 1 else None)


def _unmoved(upstream: Upstream) -> Upstream:
    # forward() asks for equal parallelism on both sides, of which the split has one.
    return upstream if isinstance(upstream.partitioner, Forward) else upstream._replace(partitioner=None)
