"""Writes lines to part files, which show when a checkpoint is complete that counts them; see part_output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.connectors.filesystem import resolve
from stream_engine.connectors.part import Part
from stream_engine.connectors.part_output import check_counted, parts_in
from stream_engine.utf8 import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

# Bytes of a part, which are in memory until it is whole, so that writing it can be tried again.
_LARGEST = 64 * 1024 * 1024


class PartWriter:
    r"""Writes the lines of ``subtask`` (from 0), each ended by ``\n``, in utf-8; see ``utf8.encode``.

    A position is how many parts were begun. ``positions`` are those of a checkpoint that the writers resume from, by
    their index: this one's, and for the first writer those of writers that the job no longer has. What the checkpoint
    counts shows then, and what it does not is deleted. Raises OSError where some of it is missing.
    """

    # None wait: before a checkpoint nobody sees them in any case.
    buffers = False

    def __init__(
        self,
        path: str,
        subtask: int,
        parallelism: int,
        positions: Mapping[int, int] | None = None,
        size: int = _LARGEST,
    ) -> None:
        self._file_system, self._directory = resolve(path)
        self._index = subtask
        self._size = size
        self._buffer: list[bytes] = []
        self._buffered = 0
        counts = dict(positions or {})
        self._settle(counts, parallelism)
        # The number of the next part; of the first one that does not show yet; of the first that no checkpoint counts.
        self._next = self._hidden = self._uncounted = counts.get(subtask, 0)

    def _settle(self, counts: Mapping[int, int], parallelism: int) -> None:
        parts = parts_in(self._file_system, self._directory)
        check_counted(self._directory, parts, counts)
        for part in parts:
            if part.writer == self._index or (self._index == 0 and part.writer >= parallelism):
                if part.number >= counts.get(part.writer, 0):
                    self._file_system.delete_file(self._path(part))
                elif part.hidden:
                    self._show(part)

    def write(self, lines: list[str]) -> None:
        """Takes lines, and writes a part when enough have come together. Raises OSError, which names the part."""
        if not lines:
            return
        data = encode("\n".join(lines) + "\n")
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered >= self._size:
            self._put()

    def flush(self) -> None:
        """Does nothing: a part is written as a whole."""

    def position(self) -> int:
        """How many parts there are once all lines are in one. Raises OSError."""
        if self._buffer:
            self._put()
        self._uncounted = self._next
        return self._next

    def complete(self, position: int) -> None:
        """Lets the parts before ``position`` show, for good. Raises OSError."""
        while self._hidden < position:
            self._show(Part(self._index, self._hidden, hidden=True))
            self._hidden += 1

    def close(self) -> None:
        """Forgets the lines, and deletes the parts, that no checkpoint can count."""
        self._buffer.clear()
        while self._next > self._uncounted:
            self._next -= 1
            self._file_system.delete_file(self._path(Part(self._index, self._next, hidden=True)))

    def _put(self) -> None:
        path = self._path(Part(self._index, self._next, hidden=True))
        try:
            self._file_system.put(path, b"".join(self._buffer))
        except OSError as error:
            raise OSError(error.errno, f"cannot write to {path}: {error.strerror}") from error
        self._next += 1
        self._buffer.clear()
        self._buffered = 0

    def _show(self, part: Part) -> None:
        path = self._path(part)
        try:
            self._file_system.rename(path, self._path(part.shown()))
        except OSError as error:
            raise OSError(error.errno, f"cannot rename {path} to {part.shown().name}: {error.strerror}") from error

    def _path(self, part: Part) -> str:
        return self._file_system.join(self._directory, part.name)
