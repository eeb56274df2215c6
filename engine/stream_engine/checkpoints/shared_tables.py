"""Tables whose contents are in shared files, as a worker's file tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.checkpoints.changes import CHANGED_TABLE, CHANGES, StoredChanges
from stream_engine.checkpoints.database_files import DATABASE, DATABASE_TABLE, DatabaseTable, StoredDatabase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream_engine.checkpoints.metadata import SharedFile

PARTS = {CHANGES, CHANGED_TABLE, DATABASE, DATABASE_TABLE}
"""The parts of a worker's file that ``SharedTables`` takes."""


class SharedTables:
    """Those of one worker's file, whose shared ``files`` are in ``directory``."""

    def __init__(self, directory: str, files: Iterable[SharedFile], scratch: str) -> None:
        """``scratch`` is a directory for what is to be copied; empty: the system's temporary one."""
        self._directory = directory
        self._files = {file.name: file for file in files}
        self._scratch = scratch
        # All that there are, and by the uid of the operator: several may have the same one.
        self._known: list[tuple[Any, StoredDatabase]] = []
        self._databases: dict[str, StoredDatabase] = {}
        self._chains: dict[str, StoredChanges] = {}
        self._known_chains: dict[tuple[str, ...], StoredChanges] = {}

    def add(self, part: str, uid: str, name: str, value: Any, tables: dict[str, Any]) -> None:
        """Takes a part of the file; adds a table to ``tables``, if it is one."""
        if part == DATABASE:
            known = next((database for files, database in self._known if files == value), None)
            if known is None:
                known = StoredDatabase(value, self._directory, self._files, self._scratch)
                self._known.append((value, known))
            self._databases[uid] = known
        elif part == CHANGES:
            names = tuple(value)
            if names not in self._known_chains:
                chain = [self._files[each] for each in names]
                self._known_chains[names] = StoredChanges(self._directory, chain)
            self._chains[uid] = self._known_chains[names]
        elif part == CHANGED_TABLE:
            tables[name] = self._chains[uid].table(*value)
        else:
            tables[name] = DatabaseTable(self._databases[uid], *value)
