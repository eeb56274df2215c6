"""The database of one worker, and how much of its tables is in memory."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.operators.rocksdb.entries import TABLE
from stream_engine.operators.rocksdb.snapshot import DatabaseSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rocksdict import Rdict, RdictIter, WriteBatch

# So many entries are deleted one by one: the mark of a deleted range slows down what is read later.
_FEW = 64
# Entries that are written together.
_TOGETHER = 2000
# After how many entries, at most and at least, it is looked at how many there are; after how many seconds how large.
_LONGEST_ALLOWANCE = 20_000
_SHORTEST_ALLOWANCE = 500
_BETWEEN_LOOKS = 0.25
# It is looked for at most about this part of the time, whatever a look takes.
_LOOKING = 0.01
# That goes for tables that take long to be looked at.
_SOON_LOOKED_AT = 10_000
_MANIFEST = 256 * 1024
# Entries of a block that are looked through one by one.
_RESTART_INTERVAL = 4
# The part of the memory that stays filled when entries are forgotten: few at a time, so that records do not wait.
_FILLED = 0.98


class _Cached(Protocol):
    """What the tables have in common for those who see to the memory: so many ``entries`` of ``each`` so many bytes."""

    each: int

    @property
    def entries(self) -> int: ...

    def measure(self) -> None:
        """Finds out anew how many bytes entries take."""
        ...

    def write_changes(self) -> None:
        """Hands on all that the database does not have yet."""
        ...

    def shrink(self, number: int) -> int:
        """Forgets up to so many entries, those first that were not used for long, once they are written; how many."""
        ...


class Database:
    """It is made with the first table, in the directory ``path``, as that itself is.

    Of the ``memory`` (bytes), which is kept to about, half is for entries as objects: those in use, with changes that
    the database does not have yet. The rest is the database's own. Making a table raises ImportError when rocksdict is
    not installed.
    """

    def __init__(self, path: str, memory: int) -> None:
        self._path = path
        self._name = os.urandom(6).hex()
        self._snapshots = count(1)
        self._memory = memory
        self._limit = memory // 2
        self._numbers = count()
        self._tables: dict[int, _Cached] = {}
        self._dropped: list[bytes] = []
        self._database: Rdict | None = None
        self._batch: WriteBatch | None = None
        # How many more entries may come into memory before it is looked at how much they take.
        self.allowance = _SHORTEST_ALLOWANCE
        self._next_look = 0.0

    def close(self) -> None:
        """Waits until all is on disk; a process that only ends need not."""
        if self._database is not None:
            self._database.close()
            self._database = None

    # --- memory ------------------------------------------------------------------------------------------------------

    def trim(self) -> None:
        """Sees to it now and then that values that have grown take no more than their share of the memory."""
        if monotonic() >= self._next_look:
            self.fit()

    def fit(self) -> None:
        """Writes and forgets some entries if they take more than their share of the memory."""
        tables = list(self._tables.values())
        due = (now := monotonic()) >= self._next_look
        for table in tables:
            if due or not table.each or table.entries < _SOON_LOOKED_AT:
                table.measure()
        if due:
            looked = monotonic()
            self._next_look = looked + max(_BETWEEN_LOOKS, (looked - now) / _LOOKING)
        entries = sum(table.entries for table in tables)
        size = sum(table.entries * table.each for table in tables)
        if size > self._limit:
            excess = int(entries * (1 - self._limit * _FILLED / size)) + 1
            for table in tables:
                excess -= table.shrink(excess)
                if excess <= 0:
                    break
            self.flush_batch()
            self.allowance = _SHORTEST_ALLOWANCE
        elif size:
            left = int((self._limit - size) * entries / size)
            self.allowance = min(max(left, _SHORTEST_ALLOWANCE), _LONGEST_ALLOWANCE)
        else:
            self.allowance = _LONGEST_ALLOWANCE

    def count(self, number: int = 1) -> None:
        """So many entries have come into memory."""
        self.allowance -= number
        if self.allowance < 0:
            self.fit()

    def flush(self) -> None:
        """Writes all changes to the database."""
        for table in self._tables.values():
            table.write_changes()
        self.flush_batch()
        for prefix in self._dropped:
            self._delete(prefix)
        self._dropped.clear()

    def forget(self, number: int, prefix: bytes, stored: bool) -> None:
        """A table is not used any more; what it has ``stored`` is deleted before long."""
        del self._tables[number]
        if stored:
            self._dropped.append(prefix)

    def snapshot(self) -> DatabaseSnapshot:
        """All tables as they are now."""
        self.flush()
        assert self._database is not None
        return DatabaseSnapshot(
            self._database, os.path.join(self._path, f"snapshot-{next(self._snapshots)}"), self._name
        )

    # --- what the tables do with the database ------------------------------------------------------------------------

    @property
    def get(self) -> Callable[[bytes], bytes | None]:
        """What gives the data at a place."""
        assert self._database is not None
        return self._database.get

    @contextmanager
    def batch(self) -> Iterator[Callable[[bytes, bytes], None]]:
        """What puts data at places, in the order of the calls; for some thousands of them."""
        assert self._batch is not None
        yield self._batch.put
        if len(self._batch) >= _TOGETHER:
            self.flush_batch()

    def put(self, place: bytes, data: bytes) -> None:
        """Writes with others, when there are some; in the order of the calls of this and of ``delete``."""
        batch = self._batch
        assert batch is not None
        batch.put(place, data)
        if len(batch) >= _TOGETHER:
            self.flush_batch()

    def delete(self, place: bytes) -> None:
        assert self._batch is not None
        self._batch.delete(place)

    def put_now(self, place: bytes, data: bytes | None) -> None:
        """Writes at once, or deletes; for a place that nothing else is written to now."""
        assert self._database is not None
        if data is None:
            self._database.delete(place)
        else:
            self._database.put(place, data)

    def view(self) -> RdictIter:
        """All that the database has now. Threads may hand it on to each other."""
        assert self._database is not None
        return self._database.iter()

    def scan(self, prefix: bytes, view: RdictIter | None = None) -> Iterator[tuple[bytes, bytes]]:
        """The places that begin with ``prefix``, in order, with what is there."""
        view = self.view() if view is None else view
        view.seek(prefix)
        while view.valid() and (place := view.key()).startswith(prefix):
            yield place, view.value()
            view.next()

    def _delete(self, prefix: bytes) -> None:
        assert self._database is not None
        places = [place for place, _ in islice(self.scan(prefix), _FEW + 1)]
        if len(places) > _FEW:
            end = (int.from_bytes(prefix, "big") + 1).to_bytes(TABLE, "big")
            self._database.delete_range(prefix, end)
        else:
            for place in places:
                self._database.delete(place)

    def flush_batch(self) -> None:
        """Writes what tables have handed on."""
        if self._batch is not None and self._database is not None and len(self._batch):
            self._database.write(self._batch)
            self._batch = self._new_batch()

    def next_number(self) -> int:
        """For a new table."""
        if self._database is None:
            self._open()
        return next(self._numbers)

    def add(self, table: Any) -> Any:
        """Sees to the memory that a new table takes; the table."""
        self._tables[table.number] = table
        return table

    def _open(self) -> None:
        from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch, WriteOptions

        options = Options(raw_mode=True)
        options.create_if_missing(True)
        # There are two of them.
        options.set_write_buffer_size(self._memory // 8)
        # Most places are not in them: a filter says so sooner than a search.
        options.set_memtable_whole_key_filtering(True)
        options.set_memtable_prefix_bloom_ratio(0.1)
        blocks = BlockBasedOptions()
        blocks.set_block_cache(Cache(self._memory // 4))
        blocks.set_bloom_filter(10, False)
        blocks.set_block_restart_interval(_RESTART_INTERVAL)
        options.set_block_based_table_factory(blocks)
        # Snapshots have a copy of this file.
        options.set_max_manifest_file_size(_MANIFEST)
        os.makedirs(self._path, 0o700, exist_ok=True)
        self._database = Rdict(os.path.join(self._path, "database"), options)
        writing = WriteOptions()
        writing.disable_wal = True  # pyright: ignore[reportAttributeAccessIssue]
        self._database.set_write_options(writing)
        self._new_batch: Callable[[], WriteBatch] = partial(WriteBatch, raw_mode=True)
        self._batch = self._new_batch()
