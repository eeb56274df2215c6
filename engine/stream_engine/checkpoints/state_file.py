"""The file with the state of one subtask: for each of its operators, what its snapshot holds, as pickles.

Each pickle follows a header with its kind and length, so that pickles of operators that no longer exist can be
skipped.
"""

from __future__ import annotations

import os
import pickle
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from stream_engine.checkpoints.directory import open_private
from stream_engine.checkpoints.files import verify_file
from stream_engine.checkpoints.owner_only import StorageError, unreadable
from stream_engine.checkpoints.shared import shared_beside
from stream_engine.checkpoints.shared_tables import PARTS as _SHARED
from stream_engine.checkpoints.shared_tables import SharedTables
from stream_engine.operators.rocksdb.entries import entries
from stream_engine.operators.snapshot import OperatorSnapshot, StateError
from stream_engine.pickling import dumps, in_parts

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator

    from stream_engine.checkpoints.directory import Directory
    from stream_engine.checkpoints.metadata import StateFile

# The name of a worker's file.
STATE_FILE = re.compile(r"worker-[0-9]+")
_PARTS = ("keyed", "split", "own")
# Parts of a table on disk, as ``entries`` takes what it has stored, by what that is.
_STORED = {"values": "stored values", "lists": "stored pieces", "maps": "stored maps", "elements": "stored lists"}
_HOLDS = {part: holds for holds, part in _STORED.items()}
_STORED_TOGETHER = 512


class Encoding:
    """What the file holds of one operator, as it was when this object was made. Making it raises StateError.

    Tables on disk may be larger than memory: they are read while this object is iterated over, in any thread.
    """

    def __init__(self, uid: str, snapshot: OperatorSnapshot) -> None:
        self._uid = uid
        self._encoded: list[bytes] = []
        self._on_disk: list[tuple[str, Any]] = []
        for part in _PARTS:
            for name, value in getattr(snapshot, part).items():
                if hasattr(value, "stored"):
                    self._on_disk.append((name, value))
                elif part == "keyed" and type(value) is dict:
                    for few in in_parts(value):
                        self._encoded += _record(uid, part, name, few)
                else:
                    self._encoded += _record(uid, part, name, value)
        self._view = self._on_disk[0][1].view() if self._on_disk else None

    def __iter__(self) -> Iterator[bytes]:
        yield from self._encoded
        for name, table in self._on_disk:
            yield from _stored(self._uid, name, table, self._view)


def _record(uid: str, part: str, name: str, value: Any) -> tuple[bytes, bytes]:
    try:
        payload = dumps(value)
    except Exception as error:
        raise StateError(f"its state cannot be kept in a checkpoint, as it cannot be pickled ({error})") from error
    return pickle.dumps((uid, part, name, len(payload)), 5), payload


def _stored(uid: str, name: str, table: Any, view: Any) -> Iterator[bytes]:
    stored = table.stored(view)
    # An empty table is written, too: a restart must know of it.
    together = list(islice(stored, _STORED_TOGETHER))
    yield from _record(uid, _STORED[table.holds], name, together)
    while together := list(islice(stored, _STORED_TOGETHER)):
        yield from _record(uid, _STORED[table.holds], name, together)


def read_state_file(
    directory: str, info: StateFile, operators: Collection[str], scratch: str = ""
) -> dict[str, OperatorSnapshot]:
    """The snapshots, by uid, of those of ``operators`` that are in the file.

    ``scratch`` is where files may be copied to while tables are read; empty: to the system's temporary directory.

    Raises StorageError for a file that is not as it was written, StateError for state that cannot be unpickled.
    """
    path = os.path.join(directory, info.name)
    snapshots: dict[str, OperatorSnapshot] = {}
    shared = SharedTables(shared_beside(directory), info.shared, scratch)
    try:
        with open_private(directory) as opened, opened.read(info.name) as file:
            verify_file(path, file, info)
            identity = opened.identity(file)
            while file.tell() < info.size:
                uid, part, name, size = pickle.load(file)
                if uid in operators and part in _PARTS:
                    value = _loaded(file, uid, path)
                    known = getattr(snapshots.setdefault(uid, OperatorSnapshot()), part)
                    if part == "keyed" and name in known:
                        known[name].update(value)
                    else:
                        known[name] = value
                    continue
                if uid in operators:
                    tables = snapshots.setdefault(uid, OperatorSnapshot()).keyed
                    if part in _SHARED:
                        shared.add(part, uid, name, _loaded(file, uid, path), tables)
                        continue
                    table = tables.setdefault(name, StoredTable(path, identity, uid, _HOLDS[part]))
                    cast("StoredTable", table).add(file.tell())
                file.seek(size, os.SEEK_CUR)
    except OSError as error:
        raise unreadable(path, error) from error
    return snapshots


class StoredTable:
    """A table in a state file. It is read anew each time, as it may be larger than memory."""

    def __init__(self, path: str, identity: Hashable, uid: str, holds: str) -> None:
        self._path = path
        # Of the file that was verified; another file may have its name by now.
        self._identity = identity
        self._uid = uid
        self._holds = holds
        self._offsets: list[int] = []

    def add(self, offset: int) -> None:
        """Adds the part of the table that is at ``offset`` of the file."""
        self._offsets.append(offset)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Raises StateError for state that cannot be unpickled, StorageError if the file has been replaced."""
        directory, name = os.path.split(self._path)
        with open_private(directory) as opened, opened.read(name) as file:
            if opened.identity(file) != self._identity:
                raise StorageError(f"{self._path} has changed while it was read.")
            try:
                yield from entries(self._parts(file), self._holds)
            except (StorageError, OSError):
                raise
            except Exception as error:
                raise _unusable(self._uid, self._path, error) from error

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())

    def _parts(self, file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
        for offset in self._offsets:
            file.seek(offset)
            yield from pickle.load(file)


def verify_state_file(directory: Directory, info: StateFile) -> None:
    """Raises StorageError, which names the file, unless it is private and as it was written."""
    path = os.path.join(directory.path, info.name)
    try:
        with directory.read(info.name) as file:
            verify_file(path, file, info)
    except OSError as error:
        raise unreadable(path, error) from error


def _loaded(file: BinaryIO, uid: str, path: str) -> Any:
    try:
        return pickle.load(file)
    except Exception as error:
        raise _unusable(uid, path, error) from error


def _unusable(uid: str, path: str, error: Exception) -> StateError:
    return StateError(
        f"its state in {path} cannot be read by this script ({type(error).__name__}: {error}): are the classes of its "
        f"records and keys still where they were? It is the state of {uid!r}"
    )
