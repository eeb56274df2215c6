"""The uids of operators, by which a later run, perhaps of a changed script, finds their state."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

from stream_engine.graph.specs import TimeWindows, WindowApply, WindowReduce
from stream_engine.graph.stream_graph import StreamGraph
from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from stream_engine.graph.stream_graph import StreamNode

_MADE = re.compile(r"([A-Za-z]+-[0-9a-f]{8})(-[0-9]+)?")
_LOCAL = re.compile(r" \(local [0-9]+\)$")


def with_uids(graph: StreamGraph) -> StreamGraph:
    """The plan with a uid for each operator; ``graph`` stays as it is.

    An operator without a uid of the script gets one made of its kind, including that of its windows, and the uids of
    its inputs: so it is the same for the same plan at any parallelism, and differs if there is another operator before
    it, so no state goes to the wrong operator. Operators of a kind with the same inputs are numbered in their order.
    Raises InvalidProgramException for a uid that two operators have.
    """
    _check_unique(graph)
    uids: dict[int, str] = {}
    given = {node.uid for node in graph.nodes}
    made: Counter[str] = Counter()
    # A node comes after its inputs, except feedback, which says no more than the head of its loop.
    for node in graph.nodes:
        if node.uid is not None:
            uids[node.id] = node.uid
            continue
        inputs = [uids[edge.upstream.node] for edge in graph.inputs(node.id) if not edge.feedback]
        name, kind = type(node.operator).__name__, _kind(node)
        first = f"{name}-{crc32(repr((kind, inputs)).encode()):08x}"
        uid = ""
        # The script may have given one of these uids to the operator that has to get the state.
        while not uid or uid in given:
            made[first] += 1
            uid = first if made[first] == 1 else f"{first}-{made[first]}"
        uids[node.id] = uid
    nodes = [replace(node, uid=uids[node.id], made_uid=node.uid is None) for node in graph.nodes]
    return StreamGraph(nodes, list(graph.edges))


def made_alike(uid: str) -> str | None:
    """The common part of the uids made for operators of one kind with the same inputs; None: it was not made."""
    match = _MADE.fullmatch(uid)
    return match and match[1]


def _kind(node: StreamNode) -> str:
    """The kind of an operator: it can resume with the state of any operator of the same kind."""
    operator = node.operator
    kind = type(operator).__name__
    if isinstance(operator, WindowReduce | WindowApply):
        windows = operator.windows
        event_time = isinstance(windows, TimeWindows) and windows.event_time
        return f"{kind} {type(windows).__name__}{' of event time' * event_time}"
    return kind


def local_uid(uid: str, input: int) -> str:
    """The uid of the part of an operator that runs before the exchange of one of its inputs."""
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
