"""What a worker's files hold of the snapshots of one subtask, and who makes it of them, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.checkpoints.changes import ChangeLog
from stream_engine.checkpoints.large_tables import encoded_apart, large_tables
from stream_engine.checkpoints.state_file import Encoding
from stream_engine.configuration.options import TMP_DIRS

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place
    from stream_engine.local.worker.checkpoints.writer import Encoded
    from stream_engine.operators.snapshot import OperatorSnapshot
    from stream_engine.task.subtask import Subtask

# By uid and by their names.
_Tables = dict[str, dict[str, Any]]


class SubtaskEncoder:
    """Encodes the snapshots of one subtask, from one checkpoint to the next."""

    def __init__(self, subtask: Subtask) -> None:
        self._subtask = subtask
        self._log = ChangeLog()

    def begin(self, shared: Place | None) -> SubtaskEncoding:
        """For the next checkpoint. What can go to files that checkpoints share does so if they have a place."""
        directories = self._subtask.configuration.get(TMP_DIRS)
        return SubtaskEncoding(self._log, self._subtask.index, directories[0] if directories else None, shared)


class SubtaskEncoding:
    """Takes the snapshots of a subtask's operators one after the other, while the subtask is between two records."""

    def __init__(self, log: ChangeLog, index: int, directory: str | None, shared: Place | None) -> None:
        self._log = log
        self._index = index
        self._directory = directory
        self._shared = shared
        self._encoded: Encoded = {}
        # Those that are pickled by a child; that have changes; that are in a database.
        self._large: _Tables = {}
        self._changed: _Tables = {}
        self._stored: _Tables = {}

    def add(self, uid: str, snapshot: OperatorSnapshot) -> None:
        """Raises StateError for what cannot be pickled, if that is found out now."""
        if not snapshot:
            return
        table: Any
        for name, table in list(snapshot.keyed.items()):
            if self._shared is not None and hasattr(table, "changes"):
                self._changed.setdefault(uid, {})[name] = snapshot.keyed.pop(name)
            elif self._shared is not None and hasattr(table, "snapshot"):
                self._stored.setdefault(uid, {})[name] = snapshot.keyed.pop(name)
            elif hasattr(table, "whole"):
                snapshot.keyed[name] = table.whole()
        if large := large_tables(snapshot):
            self._large[uid] = large
            snapshot.keyed = {name: table for name, table in snapshot.keyed.items() if name not in large}
        self._encoded[uid] = [Encoding(uid, snapshot)]

    def encoded(self) -> Encoded:
        """All that was added. Raises StateError as ``add`` does."""
        if self._large:
            # One child for all of them.
            self._encoded[next(iter(self._large))].append(encoded_apart(self._large, self._directory))
        if self._shared is not None and self._changed:
            changes = self._log.take(self._changed, self._index, self._shared, self._directory)
            self._encoded[next(iter(self._changed))].append(changes)
        if self._shared is not None and self._stored:
            from stream_engine.checkpoints.database_files import DatabaseEncoding

            table = next(iter(next(iter(self._stored.values())).values()))
            snapshot = table.snapshot()
            for uid, tables in self._stored.items():
                self._encoded[uid].append(DatabaseEncoding(uid, tables, snapshot, self._index, self._shared))
        return self._encoded
