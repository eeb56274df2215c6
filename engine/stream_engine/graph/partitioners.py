"""How an edge of the plan spreads the records of its source over the subtasks of its target."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction


class _Fieldless:
    """A partitioner without fields: all of a class are equal."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class Forward(_Fieldless):
    """Subtask i to subtask i; needs equal parallelism on both sides."""


class Rebalance(_Fieldless):
    """Round robin over all subtasks."""


class Shuffle(_Fieldless):
    """A uniformly random subtask for each record."""


class Broadcast(_Fieldless):
    """Every record to every subtask."""


class Hash(NamedTuple):
    """Records with equal keys to the same subtask."""

    key: UserFunction


class HashPartial(_Fieldless):
    """As Hash, for the ``(pane, key, value)`` partial results of a PreAggregate."""


Partitioner = Forward | Rebalance | Shuffle | Broadcast | Hash | HashPartial


def ship_strategy(partitioner: Partitioner) -> str:
    """Its name in Flink's plans: HASH, REBALANCE, ..."""
    return "HASH" if isinstance(partitioner, HashPartial) else type(partitioner).__name__.upper()
