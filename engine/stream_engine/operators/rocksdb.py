"""Tables on disk, in RocksDB, for the state of more keys than memory holds.

They compare keys as dicts do, by hash and equality, not by their bytes: an entry is found by the hash of its key, and
holds the key. The database lasts as long as the process; checkpoints hold what must outlast it.
"""

from __future__ import annotations

import pickle
from itertools import count, groupby
from typing import TYPE_CHECKING, Any

from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rocksdict import Rdict, RdictIter

# The parts of a key of the database: the number of the table, a hash, and for an element of a list its number.
_TABLE, _HASH, _ELEMENT = 4, 8, 8
# In bytes; there are two write buffers.
_WRITE_BUFFER = 32 * 1024 * 1024
_CACHE = 64 * 1024 * 1024
# Up to so many entries are deleted one by one: the mark of a deleted range slows down later reads.
_FEW = 64
_NOBODY = object()


class RocksDbTables:
    """The tables of one worker. The database is made with the first of them, in the directory ``path``.

    Making a table raises ImportError when rocksdict is not installed.
    """

    on_disk = True

    def __init__(self, path: str) -> None:
        self._path = path
        self._numbers = count()
        self._database: Rdict | None = None

    def values(self) -> RocksDbValues:
        return RocksDbValues(self._open(), next(self._numbers))

    def lists(self) -> RocksDbLists:
        return RocksDbLists(self._open(), next(self._numbers))

    def close(self) -> None:
        """Waits until all is on disk; a process that ends need not call it."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> Rdict:
        if self._database is None:
            from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteOptions

            options = Options(raw_mode=True)
            options.create_if_missing(True)
            options.set_write_buffer_size(_WRITE_BUFFER)
            blocks = BlockBasedOptions()
            blocks.set_block_cache(Cache(_CACHE))
            blocks.set_bloom_filter(10, False)
            options.set_block_based_table_factory(blocks)
            self._database = Rdict(self._path, options)
            writing = WriteOptions()
            writing.disable_wal = True  # pyright: ignore[reportAttributeAccessIssue]
            self._database.set_write_options(writing)
        return self._database


class _RocksDbTable:
    """What tables of values and of lists have in common: a part of the database."""

    holds_lists = False

    def __init__(self, database: Rdict, number: int) -> None:
        self._database = database
        self._prefix = number.to_bytes(_TABLE, "big")
        self._end = (number + 1).to_bytes(_TABLE, "big")
        self._size = 0

    def __len__(self) -> int:
        """How many values or elements there are."""
        return self._size

    def __contains__(self, key: Any, /) -> bool:
        return self.get(key, _NOBODY) is not _NOBODY

    def __getitem__(self, key: Any, /) -> Any:
        value = self.get(key, _NOBODY)
        if value is _NOBODY:
            raise KeyError(key)
        return value

    def get(self, key: Any, default: Any = None, /) -> Any:
        raise NotImplementedError

    def items(self) -> Iterator[tuple[Any, Any]]:
        """The entries of this moment, whatever changes meanwhile."""
        return entries(self.stored(self.view()), self.holds_lists)

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())

    def view(self) -> RdictIter:
        """A view of the whole database as it is now, for ``stored``. Any one thread at a time may use it."""
        return self._database.iter()

    def stored(self, view: RdictIter) -> Iterator[tuple[bytes, bytes]]:
        """The bytes that ``entries`` makes keys and values of."""
        view.seek(self._prefix)
        while view.valid() and (place := view.key()).startswith(self._prefix):
            yield place[_TABLE : _TABLE + _HASH], view.value()
            view.next()

    def drop(self) -> None:
        """Deletes all entries; nobody uses the table afterwards."""
        if self._size > _FEW:
            self._database.delete_range(self._prefix, self._end)
            return
        view = self.view()
        view.seek(self._prefix)
        while view.valid() and (place := view.key()).startswith(self._prefix):
            self._database.delete(place)
            view.next()

    def _place_of(self, key: Any) -> bytes:
        return self._prefix + hash(key).to_bytes(_HASH, "big", signed=True)


class RocksDbValues(_RocksDbTable):
    """A value for each key. Values whose keys have the same hash, which is rare, share an entry of the database."""

    def __init__(self, database: Rdict, number: int) -> None:
        super().__init__(database, number)
        # What was looked up last: mostly it is changed next.
        self._key: Any = _NOBODY
        self._place = b""
        self._here: list[tuple[Any, Any]] = []

    def get(self, key: Any, default: Any = None, /) -> Any:
        for known, value in self._look_up(key):
            if known is key or known == key:
                return value
        return default

    def __setitem__(self, key: Any, value: Any, /) -> None:
        here = self._here if key is self._key else self._look_up(key)
        for index, (known, _) in enumerate(here):
            if known is key or known == key:
                here[index] = (known, value)
                break
        else:
            here.append((key, value))
            self._size += 1
        self._write(here)

    def __delitem__(self, key: Any, /) -> None:
        here = self._look_up(key)
        others = [entry for entry in here if entry[0] is not key and entry[0] != key]
        if len(others) == len(here):
            raise KeyError(key)
        self._size -= 1
        self._write(others)

    def update(self, items: Iterable[tuple[Any, Any]], /) -> None:
        for key, value in items:
            self[key] = value

    def _look_up(self, key: Any) -> list[tuple[Any, Any]]:
        self._place = self._place_of(key)
        stored = self._database.get(self._place)
        self._here = [] if stored is None else pickle.loads(stored)
        self._key = key
        return self._here

    def _write(self, here: list[tuple[Any, Any]]) -> None:
        self._key = _NOBODY
        if here:
            self._database.put(self._place, dumps(here))
        else:
            self._database.delete(self._place)


class RocksDbLists(_RocksDbTable):
    """A list for each key. Each element is an entry of its own, so that adding one does not read the others."""

    holds_lists = True

    def append(self, key: Any, element: Any) -> None:
        place = self._place_of(key) + self._size.to_bytes(_ELEMENT, "big")
        self._database.put(place, dumps((key, element)))
        self._size += 1

    def get(self, key: Any, default: Any = None, /) -> Any:
        place, view = self._place_of(key), self.view()
        elements: list[Any] = []
        view.seek(place)
        while view.valid() and view.key().startswith(place):
            known, element = pickle.loads(view.value())
            if known is key or known == key:
                elements.append(element)
            view.next()
        return elements or default

    def update(self, items: Iterable[tuple[Any, Iterable[Any]]], /) -> None:
        for key, elements in items:
            for element in elements:
                self.append(key, element)


def entries(stored: Iterable[tuple[bytes, bytes]], lists: bool) -> Iterator[tuple[Any, Any]]:
    """The keys with their values, or with their ``lists``, of what a table has ``stored``, in its order."""
    if not lists:
        for _, data in stored:
            yield from pickle.loads(data)
        return
    for _, elements in groupby(stored, key=lambda each: each[0]):
        together: dict[Any, list[Any]] = {}
        for _, data in elements:
            key, element = pickle.loads(data)
            together.setdefault(key, []).append(element)
        yield from together.items()
