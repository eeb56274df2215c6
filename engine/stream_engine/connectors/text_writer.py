"""Writes lines to text files."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from stream_engine.connectors.filesystem import resolve
from stream_engine.connectors.text_output import is_result
from stream_engine.report import shortened
from stream_engine.utf8 import encode

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import BinaryIO

    from stream_engine.connectors.filesystem import FileSystem

_BUFFER_SIZE = 256 * 1024


class TextWriter:
    r"""Writes the lines of ``subtask`` (from 0), each ended by ``\n``, in utf-8; see ``utf8.encode``.

    A single writer writes the file ``path``; of several each writes the file ``subtask + 1`` in the directory
    ``path``. The file is emptied at once. When writing fails, it is cut back to its last whole line.

    If writers resume from a checkpoint, ``positions`` has the sizes (bytes) that files had then, by the index of their
    writer: the file of this one, and those of writers that the job no longer has. They are cut to these sizes.
    Files of such writers that were made since are deleted by the first writer. Raises OSError for a shorter file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        subtask: int,
        parallelism: int,
        positions: Mapping[int, int] | None = None,
    ) -> None:
        file_system, resolved = resolve(path)
        status = file_system.status(resolved)
        in_directory = parallelism > 1 or (positions is not None and status is not None and status.directory)
        # A device or a pipe keeps nothing that could be taken back.
        self._keeps = in_directory or status is None or status.regular
        self._path = file_system.join(resolved, str(subtask + 1)) if in_directory else resolved
        self.buffers = True
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._written = 0
        try:
            if positions is not None and subtask in positions:
                self._written = positions[subtask]
                self._file = _reopened(file_system, self._path, self._written)
            else:
                self._file = file_system.create(self._path)
            if positions is not None and in_directory and subtask == 0:
                _settle_others(file_system, resolved, parallelism, positions)
        except OSError as error:
            raise self._failure(error) from error

    def write(self, lines: list[str]) -> None:
        """Takes lines; they reach the file when enough have come together. Raises what ``flush`` raises."""
        if not lines:
            return
        data = encode("\n".join(lines) + "\n")
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered >= _BUFFER_SIZE:
            self.flush()

    def flush(self) -> None:
        """Hands all lines to the operating system. Raises OSError, naming the file; they are not tried again."""
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        written = 0
        try:
            with memoryview(data) as rest:
                while written < len(data):
                    written += self._file.write(rest[written:]) or 0
        except OSError as error:
            whole = data.rfind(b"\n", 0, written) + 1
            self._cut_back(self._written + whole)
            first = data[whole:].partition(b"\n")[0].decode("utf-8", "replace")
            missing = f"; lines not written: {data.count(10, whole)}, the first of them: {shortened(first)}"
            raise self._failure(error, missing) from error
        self._written += written

    def position(self) -> int | None:
        """The size of the file once all lines are in it; None where it has none. Raises what ``flush`` raises."""
        self.flush()
        return self._written if self._keeps else None

    def complete(self, position: int) -> None:
        """Does nothing: lines show as soon as they are written."""

    def close(self) -> None:
        """Flushes and closes, even when flushing fails. Raises what ``flush`` raises."""
        try:
            self.flush()
        finally:
            self._file.close()

    def _cut_back(self, size: int) -> None:
        try:
            self._file.truncate(size)
            self._file.seek(size)
            self._written = size
        except OSError:
            pass  # A pipe or a device cannot be cut back.

    def _failure(self, error: OSError, more: str = "") -> OSError:
        return OSError(error.errno, f"cannot write to {error.filename or self._path}: {error.strerror}{more}")


def _settle_others(file_system: FileSystem, directory: str, parallelism: int, positions: Mapping[int, int]) -> None:
    """Cuts files of writers that the job no longer has to their size at the checkpoint, or deletes newer ones."""
    for name in file_system.names(directory):
        index = int(name) - 1 if is_result(name) else -1
        if index >= parallelism:
            path = file_system.join(directory, name)
            if index in positions:
                _reopened(file_system, path, positions[index]).close()
            else:
                file_system.delete_file(path)


def _reopened(file_system: FileSystem, path: str, size: int) -> BinaryIO:
    try:
        return file_system.reopen(path, size)
    except (EOFError, FileNotFoundError):
        if not size:
            return file_system.create(path)
        reason = f"at the checkpoint it had {size} bytes, of which some are missing now"
        raise OSError(errno.EIO, reason, path) from None
