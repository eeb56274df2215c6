"""A value for each key: in memory while it is used, and in the database."""

from __future__ import annotations

import pickle
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from stream_engine.operators.keys import MISSING
from stream_engine.operators.ownership import own
from stream_engine.operators.rocksdb.entries import PLACE, TABLE, all_of, entries
from stream_engine.operators.rocksdb.prefixed import PrefixedTable
from stream_engine.operators.sizes import mean_size
from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream_engine.operators.rocksdb.database import Database


# Entries that are written together.
_TOGETHER = 2000


class RocksDbValues(dict[Any, Any], PrefixedTable):
    """The dict itself has what was looked up by ``[key]`` or put in since the last flush; all of that is to be written.

    So a key in use costs what it does in a dict. Keys are looked up before they are put in for the first time: whether
    the place of a key has others, with the same hash, is known from there.
    """

    holds = "values"

    def __init__(self, database: Database, number: int) -> None:
        super().__init__()
        self.number = number
        self._database = database
        self._get = database.get
        self._prefix = number.to_bytes(TABLE, "big")
        # As the database has them: keys, each with itself as it was met first and its value.
        self._clean: dict[Any, tuple[Any, Any]] = {}
        # What the database has yet, and is deleted.
        self._gone: set[Any] = set()
        # Hashes that several keys have; and, by its hash, each key that was looked up and is not in the database.
        self._crowded: set[int] = set()
        self._new: dict[int, Any] = {}
        # Whether a key may be among the clean ones and, changed, in the dict itself as well.
        self._shadows = False
        # Whether the database has had anything of the table.
        self._stored = False
        self.each = 0

    # --- as a dict ---------------------------------------------------------------------------------------------------

    def __missing__(self, key: Any) -> Any:
        entry = self._clean.pop(key, None)
        if entry is None:
            entry = None if self._gone and key in self._gone else self._load(key)
            if entry is None:
                raise KeyError(key)
        value = self[entry[0]] = entry[1]
        return value

    def get(self, key: Any, default: Any = None, /) -> Any:
        value = dict.get(self, key, MISSING)
        if value is not MISSING:
            return value
        entry = self._look_up(key)
        if entry is None:
            return default
        self._clean[entry[0]] = entry
        self._shadows = True
        return entry[1]

    def __contains__(self, key: Any, /) -> bool:
        return self.get(key, MISSING) is not MISSING

    def __delitem__(self, key: Any, /) -> None:
        if self.get(key, MISSING) is MISSING:
            raise KeyError(key)
        dict.pop(self, key, None)
        self._clean.pop(key, None)
        if self._stored:
            self._gone.add(key)

    def update(self, items: Iterable[tuple[Any, Any]], /) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for key, value in items:
            self.get(key)
            self[key] = value

    def items(self) -> Iterator[tuple[Any, Any]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Copies, as of now, whatever is changed meanwhile."""
        if not self._stored:
            return ((key, own(value)) for key, value in list(dict.items(self)))
        return entries(self.stored(self.view()), self.holds)

    def values(self) -> Iterator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (value for _, value in self.items())

    def __len__(self) -> int:
        return sum(1 for _ in self.items()) if self._stored else dict.__len__(self)

    def __bool__(self) -> bool:
        return dict.__len__(self) > 0 or (self._stored and any(True for _ in self.items()))

    # --- the database ------------------------------------------------------------------------------------------------

    def drop(self) -> None:
        """The table is not used any more."""
        for each in (self, self._clean, self._new, self._gone):
            each.clear()
        self._database.forget(self.number, self._prefix, self._stored)

    @property
    def entries(self) -> int:
        return max(dict.__len__(self), len(self._new)) + len(self._clean)

    def measure(self) -> None:
        number = dict.__len__(self)
        self.each = mean_size(dict.items(self), number) if number else mean_size(self._clean.values(), len(self._clean))

    def shrink(self, number: int) -> int:
        # Those in use come back from among the clean ones before it is their turn to be forgotten.
        if len(self._new) > 2 * dict.__len__(self):
            # Keys that were only looked up.
            self.write_changes()
        elif dict.__len__(self) > len(self._clean):
            self._write(list(islice(dict.items(self), 2 * number)))
        oldest = list(islice(self._clean, number))
        for key in oldest:
            known, _ = self._clean.pop(key)
            if self._shadows and dict.__contains__(self, key):
                # It is in use as an equal key, which must not take its place.
                self[known] = dict.pop(self, key)
        return len(oldest)

    def write_changes(self) -> None:
        if dict.__len__(self) or self._gone:
            self._write(list(dict.items(self)))
        self._new.clear()

    def _write(self, changed: list[tuple[Any, Any]]) -> None:
        """Hands on so many of the changes, and all that was deleted."""
        number, place, crowded, clean, shadows = self.number, PLACE, self._crowded, self._clean, self._shadows
        for key in self._gone:
            if hash(key) in crowded:
                self._write_among_others(place(number, hash(key)), key, MISSING)
            else:
                self._database.delete(place(number, hash(key)))
        self._gone.clear()
        for begin in range(0, len(changed), _TOGETHER):
            with self._database.batch() as put:
                together = changed[begin : begin + _TOGETHER]
                if not (crowded or shadows):
                    with suppress(Exception):
                        for entry in together:
                            key = entry[0]
                            put(place(number, hash(key)), pickle.dumps(entry, 5))
                            clean[key] = entry
                        continue
                # Once more, one that cannot be pickled so easily being among them.
                for key, value in together:
                    known = clean.get(key) if shadows else None
                    entry = (key if known is None else known[0], value)
                    if crowded and hash(key) in crowded:
                        entry = self._write_among_others(place(number, hash(key)), *entry)
                    else:
                        put(place(number, hash(key)), dumps(entry))
                    clean[key] = entry
        if len(changed) == dict.__len__(self):
            self.clear()
            self._new.clear()
        else:
            new, forget = self._new, super().__delitem__
            for key, _ in changed:
                forget(key)
            if new:
                for key, _ in changed:
                    new.pop(hash(key), None)
        self._stored = True

    def _look_up(self, key: Any) -> tuple[Any, Any] | None:
        if key in self._gone:
            return None
        return self._clean.get(key) or self._load(key)

    def _load(self, key: Any) -> tuple[Any, Any] | None:
        """What the database has for a key."""
        database = self._database
        database.allowance -= 1
        if database.allowance < 0:
            database.fit()
        number = hash(key)
        data = self._get(PLACE(self.number, number)) if self._stored else None
        if data is None:
            other = self._new.setdefault(number, key)
            if other is not key and other != key:
                self._crowded.add(number)
            return None
        here = pickle.loads(data)
        if type(here) is tuple and (here[0] is key or here[0] == key):
            return here
        self._crowded.add(number)
        return next((each for each in all_of(here) if each[0] is key or each[0] == key), None)

    def _write_among_others(self, place: bytes, key: Any, value: Any) -> tuple[Any, Any]:
        """Writes a key that has others with its hash, or deletes it; the entry."""
        data = self._database.get(place)
        here = [] if data is None else all_of(pickle.loads(data))
        known = next((known for known, _ in here if known is key or known == key), key)
        entry = (known, value)
        here = [each for each in here if each[0] is not known]
        if value is not MISSING:
            here.append(entry)
        self._database.put_now(place, dumps(here) if here else None)
        return entry
