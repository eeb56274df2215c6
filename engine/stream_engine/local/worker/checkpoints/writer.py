"""Writes the state of a worker's subtasks at a checkpoint, in a thread of its own, while records flow on."""

from __future__ import annotations

from itertools import chain
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from stream_engine.checkpoints.files import write_state_file
from stream_engine.checkpoints.metadata import StateFile
from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.checkpoints.shared import SharedFiles
from stream_engine.operators.snapshot import StateError, key_hash
from stream_engine.wire.messages import Acknowledgement, Kind, Refusal, packed

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place
    from stream_engine.wire.connection import Connection

# The encoded state of each operator, by uid.
Encoded = dict[str, list[Any]]


class SnapshotWriter:
    """Writes one file for each checkpoint, and tells the coordinator about it, or why there is none."""

    def __init__(self, index: int, control: Connection) -> None:
        self._index = index
        self._control = control
        self._waiting: SimpleQueue[tuple[int, Place, Encoded]] = SimpleQueue()
        self._thread: Thread | None = None
        self._shared = SharedFiles()

    def write(self, number: int, place: Place, encoded: Encoded) -> None:
        """Takes the state for checkpoint ``number``, to be written at ``place``, and returns at once."""
        self._waiting.put((number, place, encoded))
        if self._thread is None:
            self._thread = Thread(target=self._run, name="snapshots", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            number, place, encoded = self._waiting.get()
            try:
                file = self._written(place, encoded) if encoded else None
            except BaseException as error:
                # Whatever it is: the coordinator waits for an answer, and the next checkpoint for this thread.
                reason = (
                    str(error) if isinstance(error, StorageError | StateError) else f"{type(error).__name__}: {error}"
                )
                self._control.send(Kind.DECLINED, 0, packed(Refusal(number, reason)))
            else:
                self._control.send(Kind.ACKNOWLEDGED, 0, packed(Acknowledgement(number, file, key_hash())))
            # The thread must not keep the state while it waits for the next one.
            del encoded

    def _written(self, place: Place, encoded: Encoded) -> StateFile:
        name = f"worker-{self._index + 1}"
        parts = [part for parts in encoded.values() for part in parts]
        # What the worker's file refers to is written first.
        shared = {file.name: file for part in parts if hasattr(part, "share") for file in part.share(self._shared)}
        size, digest = write_state_file(place, name, chain.from_iterable(parts))
        if shared:
            self._shared.forget_others(shared)
        return StateFile(name, size, digest, self._index, tuple(encoded), tuple(shared.values()))
