"""A list for each key: what is added waits in memory, and lies in pieces in the database."""

from __future__ import annotations

import pickle
from itertools import islice
from typing import TYPE_CHECKING, Any

from stream_engine.operators.ownership import own
from stream_engine.operators.rocksdb.entries import PIECE, TABLE, entries, hash_bytes
from stream_engine.operators.rocksdb.prefixed import PrefixedTable
from stream_engine.operators.sizes import mean_size
from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream_engine.operators.rocksdb.database import Database


class _Cached:
    """What is in memory of one list: the elements that are ``new`` since the last flush, and perhaps the others."""

    __slots__ = ("new", "old", "replaced")

    def __init__(self) -> None:
        self.new: list[Any] = []
        # What the database has; None: it is not known.
        self.old: list[Any] | None = None
        # Whether what the database has is to be deleted.
        self.replaced = False


class RocksDbLists(PrefixedTable):
    """Elements are added without reading the others. What it gives out is not to be changed."""

    holds = "lists"

    def __init__(self, database: Database, number: int) -> None:
        self.number = number
        self._database = database
        self._prefix = number.to_bytes(TABLE, "big")
        self._cached: dict[Any, _Cached] = {}
        self._changed: dict[Any, _Cached] = {}
        # How many elements wait, and how many pieces were written.
        self._waiting = 0
        self._pieces = 0
        self._stored = False
        self.each = 0

    def append(self, key: Any, element: Any) -> None:
        self._changing(key).new.append(element)
        self._waiting += 1
        self._database.count()

    def get(self, key: Any, default: Any = None, /) -> Any:
        cached = self._cached.get(key)
        if cached is None:
            if not self._stored:
                return default
            cached = self._cached[key] = _Cached()
        if cached.old is None:
            cached.old = [element for _, piece in self._pieces_of(key) for element in piece] if self._stored else []
            self._database.count(len(cached.old))
        return [*cached.old, *cached.new] or default

    def __setitem__(self, key: Any, elements: Iterable[Any], /) -> None:
        cached = self._changing(key)
        cached.new, cached.old, cached.replaced = list(elements), [], True
        self._waiting += len(cached.new)
        self._database.count(len(cached.new))

    def discard(self, key: Any) -> None:
        """Deletes the list of the key, if there is one."""
        self[key] = ()

    def update(self, items: Iterable[tuple[Any, Iterable[Any]]], /) -> None:
        for key, elements in items:
            for element in elements:
                self.append(key, element)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Copies, as of now, whatever is changed meanwhile."""
        if not self._stored:
            return ((key, own(each.new)) for key, each in list(self._cached.items()) if each.new)
        return entries(self.stored(self.view()), self.holds)

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())

    def __bool__(self) -> bool:
        return any(True for _ in self.items())

    def __len__(self) -> int:
        """How many keys there are."""
        return sum(1 for _ in self.items())

    # --- the database ------------------------------------------------------------------------------------------------

    def drop(self) -> None:
        """The table is not used any more."""
        self._cached.clear()
        self._changed.clear()
        self._database.forget(self.number, self._prefix, self._stored)

    @property
    def entries(self) -> int:
        return self._waiting + len(self._cached)

    def measure(self) -> None:
        lists = ((key, (each.new, each.old)) for key, each in self._cached.items())
        number = len(self._cached)
        # Spread over the elements, as these are counted.
        self.each = mean_size(lists, number) * number // self.entries if number else 0

    def shrink(self, number: int) -> int:
        before = self.entries
        oldest = list(islice(self._cached, max(1, number * len(self._cached) // before))) if before else []
        for key in oldest:
            if key in self._changed:
                self._write(key, self._changed.pop(key))
            del self._cached[key]
        return before - self.entries

    def write_changes(self) -> None:
        for key, cached in self._changed.items():
            self._write(key, cached)
            if cached.old is None:
                # Nobody has asked for it.
                del self._cached[key]
        self._changed.clear()

    def _changing(self, key: Any) -> _Cached:
        cached = self._changed.get(key)
        if cached is None:
            cached = self._cached.get(key)
            if cached is None:
                cached = self._cached[key] = _Cached()
            self._changed[key] = cached
        return cached

    def _write(self, key: Any, cached: _Cached) -> None:
        if cached.replaced and self._stored:
            for place, _ in self._pieces_of(key):
                self._database.delete(place)
        if cached.new:
            place = self._prefix + hash_bytes(key) + self._pieces.to_bytes(PIECE, "big")
            self._database.put(place, dumps((key, cached.new)))
            self._pieces += 1
            self._stored = True
        self._waiting -= len(cached.new)
        if cached.old is not None:
            cached.old += cached.new
        cached.new, cached.replaced = [], False

    def _pieces_of(self, key: Any) -> Iterator[tuple[bytes, list[Any]]]:
        """What the database has of a list, with the places."""
        for place, data in self._database.scan(self._prefix + hash_bytes(key)):
            known, elements = pickle.loads(data)
            if known is key or known == key:
                yield place, elements
