"""By what name the state of an operator is found again: in a later run, perhaps of a changed script."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

from stream_engine.graph.stream_graph import StreamGraph
from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from stream_engine.graph.stream_graph import StreamNode

_LOCAL = re.compile(r" \(local [0-9]+\)$")


def with_uids(graph: StreamGraph) -> StreamGraph:
    """The plan with a uid for each operator; ``graph`` stays as it is.

    One that the script has given none gets one made of its kind and of the uids of its inputs: the same for the same
    plan at any parallelism, and another when something was put before it, so that no state goes to the wrong operator.
    Raises InvalidProgramException for a uid that two operators have.
    """
    _check_unique(graph)
    uids: dict[int, str] = {}
    made: Counter[str] = Counter()
    # A node is younger than its inputs, but for feedback, which says nothing that its loop's head does not.
    for node in graph.nodes:
        if node.uid is not None:
            uids[node.id] = node.uid
            continue
        inputs = [uids[edge.upstream.node] for edge in graph.inputs(node.id) if not edge.feedback]
        kind = type(node.operator).__name__
        uid = f"{kind}-{crc32(repr((kind, inputs)).encode()):08x}"
        made[uid] += 1
        uids[node.id] = uid if made[uid] == 1 else f"{uid}-{made[uid]}"
    return StreamGraph([replace(node, uid=uids[node.id]) for node in graph.nodes], list(graph.edges))


def local_uid(uid: str, input: int) -> str:
    """The uid of the part of an operator that runs ahead of the exchange of one of its inputs."""
    return f"{uid} (local {input + 1})"


def whole_uid(uid: str) -> str:
    """The uid of the operator that ``uid`` is, or is a part of."""
    return _LOCAL.sub("", uid)


def _check_unique(graph: StreamGraph) -> None:
    seen: dict[str, StreamNode] = {}
    for node in graph.nodes:
        if node.uid is not None:
            other = seen.setdefault(node.uid, node)
            if other is not node:
                raise InvalidProgramException(
                    f"The uid {node.uid!r} is that of two operators: {other.name!r}, made at {other.location}, and "
                    f"{node.name!r}, made at {node.location}. State is kept by it, so each needs its own."
                )
