"""Tables in memory that are so large that a child pickles them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.checkpoints.forked import LARGE, encoded_by_child, memory_of
from stream_engine.checkpoints.state_file import Encoding
from stream_engine.operators.snapshot import OperatorSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def large_tables(snapshot: OperatorSnapshot) -> dict[str, Any]:
    """The tables in memory of an operator, if they are better pickled by a child; empty, if they are not."""
    tables = {name: table for name, table in snapshot.keyed.items() if type(table) is dict}
    return tables if sum(map(memory_of, tables.values())) >= LARGE else {}


def encoded_apart(tables: Mapping[str, Mapping[str, Any]], directory: str | None) -> Iterable[bytes]:
    """What a state file holds of the ``tables`` of some operators, by uid; see ``encoded_by_child``."""

    def encoded() -> Iterator[bytes]:
        for uid, each in tables.items():
            yield from Encoding(uid, OperatorSnapshot(keyed={**each}))

    return encoded_by_child(encoded, ", ".join(map(repr, tables)), directory)
