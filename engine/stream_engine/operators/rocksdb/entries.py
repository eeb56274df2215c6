"""How entries of tables lie in the database, and what is made of them when they are read in the order of their places.

A place consists of the number of the table and the hash of the key; in a table of lists the number of a piece of the
list follows, in one of maps the hash of the field. What lies there is a pickle: of values, ``(key, value)``, or a list
of these if several keys have that hash; of lists, ``(key, elements)``; of maps, ``[(key, field, number, value), ...]``
with all of those hashes, the fields of a key being numbered in the order they came in.
"""

from __future__ import annotations

import pickle
from itertools import groupby
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Stored = Iterable[tuple[bytes, bytes]]

# Bytes of a place: the number of its table, a hash, and the number of a piece of a list.
TABLE, HASH, PIECE = 4, 8, 8


PLACE = Struct(">Iq").pack
"""A place of a table of values, of the table's number and a hash."""
_PACKED_HASH = Struct(">q").pack


def hash_bytes(key: Any) -> bytes:
    return _PACKED_HASH(hash(key))


def all_of(values: Any) -> list[tuple[Any, Any]]:
    """What lies at a place of a table of values. Earlier versions had a list there for one, too."""
    return [values] if type(values) is tuple else values


def entries(stored: Stored, holds: str) -> Iterator[tuple[Any, Any]]:
    """The keys with what the table ``holds`` for each, of places without the table's number, in their order."""
    return _READERS[holds](stored)


def _values(stored: Stored) -> Iterator[tuple[Any, Any]]:
    for _, data in stored:
        yield from all_of(pickle.loads(data))


def _lists(stored: Stored) -> Iterator[tuple[Any, Any]]:
    for pieces in _by_key_hash(stored):
        together: dict[Any, list[Any]] = {}
        for key, elements in map(pickle.loads, pieces):
            together.setdefault(key, []).extend(elements)
        yield from together.items()


def _elements(stored: Stored) -> Iterator[tuple[Any, Any]]:
    for places in _by_key_hash(stored):
        together: dict[Any, list[Any]] = {}
        for key, element in map(pickle.loads, places):
            together.setdefault(key, []).append(element)
        yield from together.items()


def _maps(stored: Stored) -> Iterator[tuple[Any, Any]]:
    for places in _by_key_hash(stored):
        together: dict[Any, list[Any]] = {}
        for place in map(pickle.loads, places):
            for key, field, number, value in place:
                together.setdefault(key, []).append((number, field, value))
        for key, fields in together.items():
            fields.sort(key=itemgetter(0))
            yield key, {field: value for _, field, value in fields}


def _by_key_hash(stored: Stored) -> Iterator[Iterator[bytes]]:
    for _, group in groupby(stored, key=lambda each: each[0][:HASH]):
        yield (data for _, data in group)


_READERS: dict[str, Callable[[Stored], Iterator[tuple[Any, Any]]]] = {
    "values": _values,
    "lists": _lists,
    "maps": _maps,
    # Lists as earlier versions kept them: ``(key, element)``.
    "elements": _elements,
}
