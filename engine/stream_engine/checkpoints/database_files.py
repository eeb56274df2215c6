"""A database as a checkpoint keeps it: its large files, which never change, are shared with other checkpoints."""

from __future__ import annotations

import os
import pickle
import shutil
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from stream_engine.checkpoints.shared import read_shared
from stream_engine.installation import extra
from stream_engine.operators.rocksdb.entries import TABLE, entries
from stream_engine.operators.snapshot import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rocksdict import Rdict

    from stream_engine.checkpoints.directory import Place
    from stream_engine.checkpoints.metadata import SharedFile
    from stream_engine.checkpoints.shared import SharedFiles
    from stream_engine.operators.rocksdb.snapshot import DatabaseSnapshot

_BLOCK = 1024 * 1024
DATABASE, DATABASE_TABLE = "database", "table of the database"
"""Parts of a state file: the small files of a database with the names of its shared ones; where a table is in it."""


class DatabaseEncoding:
    """What a state file holds of those ``tables`` of one operator that are in a database. First ``share`` its files."""

    def __init__(
        self, uid: str, tables: Mapping[str, Any], snapshot: DatabaseSnapshot, index: int, place: Place
    ) -> None:
        self._uid = uid
        self._tables = {name: (table.number, table.holds) for name, table in tables.items()}
        self._snapshot = snapshot
        self._prefix = f"worker-{index + 1}-{snapshot.database}-"
        self._place = place

    def share(self, files: SharedFiles) -> list[SharedFile]:
        """Writes those files of the database that no earlier checkpoint has; all of them. Raises StorageError."""
        return [
            files.keep(self._place, f"{self._prefix}{name}", lambda name=name: self._snapshot.read(name))
            for name in self._snapshot.large_files()
        ]

    def __iter__(self) -> Iterator[bytes]:
        small = {name: b"".join(self._snapshot.read(name)) for name in self._snapshot.small_files()}
        shared = {name: f"{self._prefix}{name}" for name in self._snapshot.large_files()}
        yield from _record(self._uid, DATABASE, "", (small, shared))
        for name, table in self._tables.items():
            yield from _record(self._uid, DATABASE_TABLE, name, table)


def _record(uid: str, part: str, name: str, value: object) -> tuple[bytes, bytes]:
    payload = pickle.dumps(value)
    return pickle.dumps((uid, part, name, len(payload))), payload


class StoredDatabase:
    """The database of a checkpoint; to be read, its files are copied into a directory, which is deleted with this."""

    def __init__(
        self,
        files: tuple[dict[str, bytes], dict[str, str]],
        directory: str,
        shared: Mapping[str, SharedFile],
        scratch: str,
    ) -> None:
        """``directory`` has the shared files. The copies go below ``scratch``; empty: the system's temporary one."""
        self._small, self._large = files
        self._directory = directory
        self._shared = shared
        self._scratch = scratch or None
        self._path = ""
        self._database: Rdict | None = None

    def scan(self, number: int) -> Iterator[tuple[bytes, bytes]]:
        """The entries of a table by their places in it. Raises StorageError for files that are not as they were."""
        if self._database is None:
            self._database = self._opened()
        prefix = number.to_bytes(TABLE, "big")
        view = self._database.iter()
        view.seek(prefix)
        while view.valid() and (place := view.key()).startswith(prefix):
            yield place[TABLE:], view.value()
            view.next()

    def _opened(self) -> Rdict:
        try:
            from rocksdict import AccessType, Options, Rdict
        except ImportError as error:
            raise StateError(f"it is in files of a package that is not installed: {extra('rocksdb')}") from error
        self._path = mkdtemp(prefix="restored-", dir=self._scratch)
        for name, data in self._small.items():
            with open(os.path.join(self._path, name), "wb") as file:
                file.write(data)
        for name, shared in self._large.items():
            with open(os.path.join(self._path, name), "wb") as file:
                file.writelines(read_shared(self._directory, self._shared[shared]))
        return Rdict(self._path, Options(raw_mode=True), access_type=AccessType.read_only(False))

    def __del__(self) -> None:
        if self._database is not None:
            self._database.close()
        if self._path:
            shutil.rmtree(self._path, ignore_errors=True)


class DatabaseTable:
    """A table in the database of a checkpoint."""

    def __init__(self, database: StoredDatabase, number: int, holds: str) -> None:
        self._database = database
        self._number = number
        self._holds = holds

    def items(self) -> Iterator[tuple[Any, Any]]:
        return entries(self._database.scan(self._number), self._holds)

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())
