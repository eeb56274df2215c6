"""Records on their way back to the beginning of a loop: in memory as long as they are few, then on disk.

A loop must always take what is fed back. Were it to wait as other receivers do, a loop full of records would wait for
itself.
"""

from __future__ import annotations

import os
import pickle
import struct
import tempfile
from collections import deque
from typing import IO, TYPE_CHECKING, Any

from stream_engine.configuration.options import ITERATION_MEMORY, TMP_DIRS
from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.configuration import Configuration

_LENGTH = struct.Struct("<Q")
# The size of records is taken from every so many batches, as pickling each to weigh it would double the loop's cost.
_WEIGHED = 16


class FeedbackQueue:
    """Batches of records, first in first out. ``memory`` is about how many bytes of them may be in memory.

    ``directory`` is where the rest goes, None for the system's; the file has no name, so nothing is ever left behind.
    """

    def __init__(self, memory: int, directory: str | None) -> None:
        self._memory = memory
        self._directory = directory
        self._batches: deque[list[Any]] = deque()
        self._records = 0
        self._record_size = 0.0
        self._puts = 0
        self._file: IO[bytes] | None = None
        self._read_at = 0
        self._write_at = 0

    @classmethod
    def of(cls, configuration: Configuration) -> FeedbackQueue:
        """One with the memory, and in the directory, that a job's configuration gives it."""
        directories = configuration.get(TMP_DIRS)
        return cls(configuration.get(ITERATION_MEMORY), directories[0] if directories else None)

    def __bool__(self) -> bool:
        return bool(self._batches) or self._read_at < self._write_at

    def put(self, batch: list[Any]) -> None:
        """Adds a batch, which must not be changed afterwards. Raises OSError when the disk is full."""
        if self._puts % _WEIGHED == 0:
            self._record_size = len(dumps(batch)) / len(batch)
        self._puts += 1
        # What is on disk is behind what is in memory, so there memory is no longer the end of the queue.
        if self._read_at < self._write_at or self._records * self._record_size > self._memory:
            self._spill(dumps(batch))
        else:
            self._batches.append(batch)
            self._records += len(batch)

    def get(self, most: int = 1) -> list[Any]:
        """Takes the oldest batch; with the next ones, as long as they have no more than ``most`` records together."""
        if self._batches:
            batch = self._batches.popleft()
            if self._batches and len(batch) + len(self._batches[0]) <= most:
                batch = batch.copy()
                while self._batches and len(batch) + len(self._batches[0]) <= most:
                    batch += self._batches.popleft()
            self._records -= len(batch)
            return batch
        assert self._file is not None
        self._file.seek(self._read_at)
        (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
        batch = pickle.loads(self._file.read(length))
        self._read_at += _LENGTH.size + length
        if self._read_at == self._write_at:
            self._file.truncate(0)
            self._read_at = self._write_at = 0
        return batch

    def contents(self) -> Iterator[bytes]:
        """The pickles of all batches, oldest first, which stay in the queue."""
        yield from map(dumps, self._batches)
        position = self._read_at
        while self._file is not None and position < self._write_at:
            self._file.seek(position)
            (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
            yield self._file.read(length)
            position += _LENGTH.size + length

    def close(self) -> None:
        self._batches.clear()
        self._read_at = self._write_at = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spill(self, payload: bytes) -> None:
        if self._file is None:
            self._file = self._temporary_file()
        self._file.seek(self._write_at)
        self._file.write(_LENGTH.pack(len(payload)))
        self._file.write(payload)
        self._write_at += _LENGTH.size + len(payload)

    def _temporary_file(self) -> IO[bytes]:
        try:
            return tempfile.TemporaryFile(dir=self._directory)
        except FileNotFoundError:
            # The directory was there when the job began: it has been cleaned away.
            os.makedirs(self._directory or tempfile.gettempdir(), 0o700, exist_ok=True)
            return tempfile.TemporaryFile(dir=self._directory)
