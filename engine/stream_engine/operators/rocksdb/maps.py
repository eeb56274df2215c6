"""A map for each key, of fields to values: each field is in memory while it is used, and by itself in the database."""

from __future__ import annotations

import pickle
from itertools import islice
from typing import TYPE_CHECKING, Any

from stream_engine.operators.keys import MISSING, kept_key
from stream_engine.operators.ownership import own
from stream_engine.operators.rocksdb.entries import TABLE, entries, hash_bytes
from stream_engine.operators.rocksdb.prefixed import PrefixedTable
from stream_engine.operators.sizes import mean_size
from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream_engine.operators.rocksdb.database import Database

# Maps that have more fields are not taken into memory as a whole.
_WHOLE = 10_000


class _Fields:
    """The map of one key, used like a dict. What it gives out is not to be changed."""

    __slots__ = ("_key", "_table", "again", "changed", "known", "whole")

    def __init__(self, table: RocksDbMaps, key: Any, whole: bool) -> None:
        self._table = table
        self._key = key
        # Those in memory, MISSING where it is known that there is none; and whether all others are known to be none.
        self.known: dict[Any, Any] = {}
        self.whole = whole
        # What the database does not have yet; and of those, what was deleted before it was put in again.
        self.changed: set[Any] = set()
        self.again: set[Any] = set()

    def get(self, field: Any, default: Any = None, /) -> Any:
        value = self.known.get(field, self)
        if value is self:
            if self.whole:
                return default
            known, value = self._table.load(self._key, field)
            self.known[known] = value
        return default if value is MISSING else value

    def __contains__(self, field: Any) -> bool:
        return self.get(field, MISSING) is not MISSING

    def __setitem__(self, field: Any, value: Any) -> None:
        if self.known.get(field) is MISSING:
            # It comes after the others.
            del self.known[field]
        self.known[field] = value
        self._change(field)

    def pop(self, field: Any, default: Any = None) -> Any:
        value = self.get(field, MISSING)
        if value is MISSING:
            return default
        self.known[field] = MISSING
        self.again.add(field)
        self._change(field)
        return value

    def clear(self) -> None:
        for field in self:
            self.pop(field)

    def items(self) -> list[tuple[Any, Any]]:
        """In the order they came in."""
        if self.whole:
            return [each for each in self.known.items() if each[1] is not MISSING]
        # The database knows the order.
        self._table.flush()
        found = self._table.all_of(self._key)
        if len(found) <= _WHOLE:
            self.known, self.whole = dict(found), True
        return found

    def __iter__(self) -> Iterator[Any]:
        return (field for field, _ in self.items())

    def values(self) -> list[Any]:
        return [value for _, value in self.items()]

    def __bool__(self) -> bool:
        if any(value is not MISSING for value in self.known.values()):
            return True
        return not self.whole and bool(self.items())

    def _change(self, field: Any) -> None:
        self.changed.add(field)
        self._table.on_change(self._key, self)


class RocksDbMaps(PrefixedTable):
    """Fields are put in without reading the others."""

    holds = "maps"

    def __init__(self, database: Database, number: int) -> None:
        self.number = number
        self._database = database
        self._prefix = number.to_bytes(TABLE, "big")
        self._cached: dict[Any, _Fields] = {}
        self._changed: dict[Any, _Fields] = {}
        # How many fields were put in.
        self._serial = 0
        self._stored = False
        self._fields = 0
        self.each = 0

    def fields(self, key: Any) -> _Fields:
        """The map of a key, which it is until the key's map is asked for again."""
        fields = self._cached.get(key)
        if fields is None:
            self._database.count()
            key = kept_key(key)
            fields = self._cached[key] = _Fields(self, key, whole=not self._stored)
        return fields

    def discard(self, key: Any) -> None:
        """Deletes the map of the key, if there is one."""
        self.fields(key).clear()

    def update(self, items: Iterable[tuple[Any, dict[Any, Any]]], /) -> None:
        for key, values in items:
            for field, value in values.items():
                self.fields(key)[field] = value

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Copies, as of now, whatever is changed meanwhile."""
        if not self._stored:
            found = [(key, dict(each.items())) for key, each in self._cached.items()]
            return ((key, own(values)) for key, values in found if values)
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

    def flush(self) -> None:
        self._database.flush()

    def on_change(self, key: Any, fields: _Fields) -> None:
        """A map differs from what the database has."""
        if key not in self._cached:
            # It was forgotten meanwhile.
            self._cached[key] = fields
        self._changed[key] = fields
        self._fields += 1
        self._database.count()

    def load(self, key: Any, field: Any) -> tuple[Any, Any]:
        """A field as the database has it, itself as it was met first, and its value; or MISSING."""
        self._fields += 1
        self._database.count()
        here = self._at(self._place(key, field))
        return next(((each[1], each[3]) for each in here if _is(each, key, field)), (field, MISSING))

    def all_of(self, key: Any) -> list[tuple[Any, Any]]:
        """All fields that the database has of a key, with their values, in the order they came in."""
        places = self._database.scan(self._prefix + hash_bytes(key))
        found = [each for _, data in places for each in pickle.loads(data) if each[0] is key or each[0] == key]
        found.sort(key=lambda each: each[2])
        self._fields += len(found)
        self._database.count(len(found))
        return [(field, value) for _, field, _, value in found]

    @property
    def entries(self) -> int:
        return self._fields + len(self._cached)

    def measure(self) -> None:
        self._fields = sum(len(each.known) for each in self._cached.values())
        number = len(self._cached)
        maps = ((key, each.known) for key, each in self._cached.items())
        self.each = mean_size(maps, number) * number // self.entries if number else 0

    def shrink(self, number: int) -> int:
        before = self.entries
        oldest = list(islice(self._cached, max(1, number * len(self._cached) // before))) if before else []
        for key in oldest:
            fields = self._cached.pop(key)
            self._fields -= len(fields.known)
            if self._changed.pop(key, None) is not None:
                self._write(key, fields)
        return before - self.entries

    def write_changes(self) -> None:
        for key, fields in self._changed.items():
            self._write(key, fields)
        self._changed.clear()

    def _write(self, key: Any, fields: _Fields) -> None:
        for field in [each for each in fields.known if each in fields.changed]:
            place = self._place(key, field)
            here = self._at(place)
            before = next((each for each in here if _is(each, key, field)), None)
            here = [each for each in here if each is not before]
            value = fields.known[field]
            if value is not MISSING:
                if before is None or field in fields.again:
                    self._serial += 1
                    here.append((key, field, self._serial, value))
                else:
                    here.append((*before[:3], value))
            if before is not None or value is not MISSING:
                self._database.put_now(place, dumps(here) if here else None)
                self._stored = True
        fields.changed.clear()
        fields.again.clear()

    def _place(self, key: Any, field: Any) -> bytes:
        return self._prefix + hash_bytes(key) + hash_bytes(field)

    def _at(self, place: bytes) -> list[Any]:
        data = self._database.get(place) if self._stored else None
        return [] if data is None else pickle.loads(data)


def _is(entry: tuple[Any, ...], key: Any, field: Any) -> bool:
    known = entry[1]
    return (entry[0] is key or entry[0] == key) and (known is field or known == field)
