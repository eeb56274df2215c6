"""How an edge of the plan spreads the records of its source over the subtasks of its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction


@dataclass(frozen=True)
class Forward:
    """Subtask i to subtask i; needs equal parallelism on both sides."""


@dataclass(frozen=True)
class Rebalance:
    """Round robin over all subtasks."""


@dataclass(frozen=True)
class Shuffle:
    """A uniformly random subtask for each record."""


@dataclass(frozen=True)
class Broadcast:
    """Every record to every subtask."""


@dataclass(frozen=True)
class Hash:
    """Records with equal keys to the same subtask."""

    key: UserFunction


@dataclass(frozen=True)
class HashPartial:
    """As Hash, for the ``(pane, key, value)`` partial results of a PreAggregate."""


Partitioner = Forward | Rebalance | Shuffle | Broadcast | Hash | HashPartial


def ship_strategy(partitioner: Partitioner) -> str:
    """What Flink's plans call it: HASH, REBALANCE, ..."""
    return "HASH" if isinstance(partitioner, HashPartial) else type(partitioner).__name__.upper()
