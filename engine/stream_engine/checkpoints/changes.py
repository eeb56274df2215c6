"""Tables in memory as incremental checkpoints keep them: in files with what has changed from one to the next.

A file is a row of pickles, each with the number of a table and its changes. The first file of a chain has all that
there was; the others have what changed since the one before.
"""

from __future__ import annotations

import os
import pickle
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any

from stream_engine.checkpoints.forked import LARGE, encoded_by_child, memory_of
from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.checkpoints.shared import read_shared
from stream_engine.operators.changes import Changes, apply_changes
from stream_engine.operators.snapshot import StateError
from stream_engine.pickling import dumps, in_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stream_engine.checkpoints.directory import Place
    from stream_engine.checkpoints.metadata import SharedFile
    from stream_engine.checkpoints.shared import SharedFiles

CHANGES, CHANGED_TABLE = "changes", "changed table"
"""Parts of a state file: the chain of files with changes; which of their tables a table is."""

# A chain is begun anew when it is so long, or its changes are larger than what it began with: so a restart need not
# read much more than there is.
_LONGEST = 30


class ChangeLog:
    """The chain of one subtask, from one checkpoint to the next. Checkpoints are kept by another thread."""

    def __init__(self) -> None:
        self._name = os.urandom(6).hex()
        self._numbers = count(1)
        self._last: ChangesEncoding | None = None

    def take(
        self, tables: Mapping[str, Mapping[str, Any]], index: int, place: Place, directory: str | None
    ) -> ChangesEncoding:
        """What the ``tables`` of operators, by uid, have changed; or all that they have. They begin to count anew.

        ``directory`` is for a temporary file. Raises StateError for what cannot be pickled, if that is found out now.
        """
        last = self._last
        # What could not be kept is missing in what comes after.
        chain = last.chain if last is not None and last.kept else ()
        begun = chain[0].size if chain else 0
        if len(chain) >= _LONGEST or sum(file.size for file in chain[1:]) > begun:
            chain = ()
        all_tables = [table for each in tables.values() for table in each.values()]
        changes = [(table.number, table.changes() if chain else Changes(table.settle(), ())) for table in all_tables]
        encoded = _encoded(changes, ", ".join(map(repr, tables)), directory)
        if chain:
            for table in all_tables:
                table.settle()
        name = f"worker-{index + 1}-{self._name}-{next(self._numbers)}.changes"
        self._last = ChangesEncoding(tables, chain, name, encoded, place)
        return self._last


def _encoded(changes: Sequence[tuple[int, Changes]], operators: str, directory: str | None) -> Iterable[bytes]:
    def pickles() -> Iterator[bytes]:
        for each in changes:
            try:
                yield from map(dumps, _in_parts(*each))
            except Exception as error:
                raise StateError(
                    f"its state cannot be kept in a checkpoint, as it cannot be pickled ({error})"
                ) from error

    if sum(memory_of(put) + memory_of(gone) for _, (put, gone) in changes) >= LARGE:
        return encoded_by_child(pickles, operators, directory)
    return list(pickles())


def _in_parts(number: int, changes: Changes) -> Iterator[tuple[int, Changes]]:
    """The changes of a table, which are the same one after the other."""
    gone = changes.gone
    for put in in_parts(changes.put):
        yield number, Changes(put, gone)
        gone = type(gone)()


class ChangesEncoding:
    """What a state file holds of the changes of a subtask. First ``share`` them."""

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, Any]],
        before: tuple[SharedFile, ...],
        name: str,
        encoded: Iterable[bytes],
        place: Place,
    ) -> None:
        self._tables = {
            uid: {name: (table.number, table.holds) for name, table in each.items()} for uid, each in tables.items()
        }
        self._before = before
        self._name = name
        self._encoded: Iterable[bytes] | None = encoded
        self._place = place
        # All files of the chain, once the last one is there.
        self.chain: tuple[SharedFile, ...] = ()

    @property
    def kept(self) -> bool:
        return bool(self.chain)

    def share(self, files: SharedFiles) -> tuple[SharedFile, ...]:
        """Writes the changes; all files of the chain. Raises StorageError, also when one before it has gone."""
        encoded = self._encoded
        if encoded is not None:
            for file in self._before:
                if not files.has(self._place, file):
                    raise StorageError(f"{os.path.join(self._place.path, file.name)} is gone: it has been removed.")
            self.chain = (*self._before, files.keep(self._place, self._name, lambda: encoded))
            self._encoded = None
        return self.chain

    def __iter__(self) -> Iterator[bytes]:
        names = [file.name for file in self.chain]
        for uid, tables in self._tables.items():
            yield from _record(uid, CHANGES, "", names)
            for name, table in tables.items():
                yield from _record(uid, CHANGED_TABLE, name, table)


def _record(uid: str, part: str, name: str, value: object) -> tuple[bytes, bytes]:
    payload = pickle.dumps(value)
    return pickle.dumps((uid, part, name, len(payload))), payload


class StoredChanges:
    """The tables that a checkpoint has the changes of, in one chain of files. They are read together, once."""

    def __init__(self, directory: str, chain: Sequence[SharedFile]) -> None:
        """``directory`` has the files of the chain."""
        self._directory = directory
        self._chain = chain
        self._holds: dict[int, str] = {}
        self._tables: dict[int, dict[Any, Any]] | None = None

    def table(self, number: int, holds: str) -> ChangedTable:
        """All are asked for before one is read."""
        self._holds[number] = holds
        return ChangedTable(self, number)

    def read(self, number: int) -> dict[Any, Any]:
        """What a table has. Raises StorageError for files that are not as they were, StateError for other pickles."""
        if self._tables is None:
            tables: dict[int, dict[Any, Any]] = {each: {} for each in self._holds}
            for file in self._chain:
                for changed, changes in self._changes_in(file):
                    # Those of windows that are over are not asked for.
                    if changed in tables:
                        apply_changes(self._holds[changed], changes, tables[changed])
            self._tables = tables
        return self._tables[number]

    def _changes_in(self, file: SharedFile) -> Iterator[tuple[int, Changes]]:
        data = b"".join(read_shared(self._directory, file))
        stream = BytesIO(data)
        while stream.tell() < len(data):
            try:
                yield pickle.load(stream)
            except Exception as error:
                raise StateError(
                    f"its state in {os.path.join(self._directory, file.name)} cannot be read by this script "
                    f"({type(error).__name__}: {error}): are the classes of its records and keys still where they were?"
                ) from error


class ChangedTable:
    """A table among those of a chain of changes."""

    def __init__(self, tables: StoredChanges, number: int) -> None:
        self._tables = tables
        self._number = number

    def items(self) -> Iterable[tuple[Any, Any]]:
        return self._tables.read(self._number).items()

    def values(self) -> Iterable[Any]:
        return self._tables.read(self._number).values()
