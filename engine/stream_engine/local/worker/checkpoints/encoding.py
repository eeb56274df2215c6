"""What a worker's files hold of the snapshots of one subtask, and who makes it of them, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.checkpoints.forked import encoded_apart, large_tables
from stream_engine.checkpoints.state_file import Encoding
from stream_engine.configuration.options import TMP_DIRS

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place
    from stream_engine.local.worker.checkpoints.writer import Encoded
    from stream_engine.operators.snapshot import OperatorSnapshot
    from stream_engine.task.subtask import Subtask


class SubtaskEncoding:
    """Takes the snapshots of a subtask's operators one after the other, while the subtask is between two records.

    Tables that can go to files that checkpoints share do so where there is a place for them, ``shared``.
    """

    def __init__(self, subtask: Subtask, shared: Place | None) -> None:
        self._subtask = subtask
        self._shared = shared
        self._encoded: Encoded = {}
        self._large: dict[str, dict[str, Any]] = {}
        self._stored: dict[str, dict[str, Any]] = {}

    def add(self, uid: str, snapshot: OperatorSnapshot) -> None:
        """Raises StateError for what cannot be pickled, if that is found out now."""
        if not snapshot:
            return
        if large := large_tables(snapshot):
            self._large[uid] = large
        if self._shared is not None:
            stored = {name: table for name, table in snapshot.keyed.items() if hasattr(table, "snapshot")}
            if stored:
                self._stored[uid] = stored
                large = {**large, **stored}
        snapshot.keyed = {name: table for name, table in snapshot.keyed.items() if name not in large}
        self._encoded[uid] = [Encoding(uid, snapshot)]

    def encoded(self) -> Encoded:
        """All that was added."""
        if self._large:
            # One child for all of them.
            directories = self._subtask.configuration.get(TMP_DIRS)
            self._encoded[next(iter(self._large))] += encoded_apart(
                self._large, directories[0] if directories else None
            )
        if self._stored and self._shared is not None:
            from stream_engine.checkpoints.database_files import DatabaseEncoding

            table = next(iter(next(iter(self._stored.values())).values()))
            snapshot = table.snapshot()
            for uid, tables in self._stored.items():
                self._encoded[uid].append(DatabaseEncoding(uid, tables, snapshot, self._subtask.index, self._shared))
        return self._encoded
