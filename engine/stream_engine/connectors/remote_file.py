"""Files of remote stores while they are read or written: in large pieces, read ahead, and again where that fails."""

from __future__ import annotations

import os
from concurrent.futures import Future
from io import RawIOBase
from typing import TYPE_CHECKING, Any

from stream_engine.connectors.retrying import as_os_error, bounded, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.connectors.retrying import Patience

# A piece is twice as large as the one before: little is read in vain where little is wanted.
_FIRST_PIECE, _LARGEST_PIECE = 256 * 1024, 4 * 1024 * 1024


class ReadFile(RawIOBase):
    """A file that is read forward, as a file object; the next piece is on its way while one is made use of.

    ``reopen`` opens it at its start, and is called again after an error. Not for several threads.
    """

    def __init__(self, reopen: Callable[[], Any], patience: Patience, url: str) -> None:
        super().__init__()
        self._reopen = reopen
        self._patience = patience
        self._url = url
        self._file: Any = None
        self._piece = b""
        self._used = 0
        # Where the piece ends in the file.
        self._offset = 0
        self._size = _FIRST_PIECE
        self._ahead: Future[bytes] | None = None
        # Now, not with the first lines: whether there is such a file.
        self._patience.attempt(self._opened, url)

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end. Raises OSError with the file's name."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_LARGEST_PIECE), b""))
        if self._used == len(self._piece):
            self._piece, self._used = self._next_piece(), 0
        data = self._piece[self._used : self._used + size]
        self._used += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        return self._offset - len(self._piece) + self._used

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Goes to ``offset``, and gives it as counted from the start."""
        if whence == os.SEEK_CUR:
            offset += self.tell()
        elif whence == os.SEEK_END:
            offset += self._patience.attempt(lambda: self._opened().size, self._url)
        begin = self._offset - len(self._piece)
        if begin <= offset <= self._offset:
            self._used = offset - begin
        else:
            self._forget_ahead()
            self._piece, self._used, self._offset, self._size = b"", 0, offset, _FIRST_PIECE
        return offset

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        self._forget_ahead()
        self._piece, self._used = b"", 0
        file, self._file = self._file, None
        if file is not None:
            _close_quietly(file)

    def _next_piece(self) -> bytes:
        ahead, self._ahead = self._ahead, None
        piece = b""
        if ahead is not None:
            try:
                piece = ahead.result(self._patience.seconds)
            except Exception:
                # Whatever it was, it is tried once more, and told if it stays.
                self._file, ahead = None, None
        if ahead is None:
            piece = self._patience.attempt(self._read_piece, self._url)
        self._offset += len(piece)
        if piece:
            self._size = min(2 * self._size, _LARGEST_PIECE)
            self._read_ahead()
        return piece

    def _read_ahead(self) -> None:
        future: Future[bytes] = Future()

        def run() -> None:
            try:
                future.set_result(self._read_piece())
            except BaseException as error:
                future.set_exception(error)

        self._ahead = future
        start_thread(run)

    def _read_piece(self) -> bytes:
        """The piece at the present offset. Only one thread is in here: none is begun before the last has ended."""
        offset, size = self._offset, self._size
        file = self._opened()
        try:
            file.seek(offset)
            return file.read(size)
        except BaseException:
            self._file = None
            raise

    def _opened(self) -> Any:
        if self._file is None:
            self._file = self._reopen()
        return self._file

    def _forget_ahead(self) -> None:
        if self._ahead is not None:
            # Its thread may be in the file still, which nobody else must be then.
            self._ahead, self._file = None, None


class WrittenFile:
    """A file that is written from its start. What a store's client gathers is in the store when this has been closed.

    A small one is written when it is closed, as a whole, so that it can be tried again; one that is larger is written
    as it comes, and an error of the store that the client does not get over is final.
    """

    _WHOLE = 8 * 1024 * 1024

    def __init__(self, system: Any, inner: str, patience: Patience, url: str) -> None:
        self._system = system
        self._inner = inner
        self._patience = patience
        self._url = url
        self._data = bytearray()
        self._file: Any = None
        self._closed = self._broken = False

    def write(self, data: Any, /) -> int:
        """Takes all of it. Raises OSError, after which the file is not to be used any more."""
        self._data += data
        if len(self._data) >= self._WHOLE:
            if self._file is None:
                self._file = self._once(lambda: self._system.open(self._inner, "wb"))
            whole, self._data = bytes(self._data), bytearray()
            self._once(lambda: self._file.write(whole))
        return len(data)

    def flush(self) -> None:
        """Does nothing: how much of it others see before it is closed is up to the store."""

    def tell(self) -> int:
        raise OSError("it is only written to")

    def truncate(self, size: int) -> None:
        raise OSError("what was written stays")

    def seek(self, offset: int) -> None:
        raise OSError("it is only written to")

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._broken:
            # What has come so far is no file. Where the store shows it already, that is as it is.
            discard = getattr(self._file, "discard", None)
            if discard is not None:
                self._once(discard)
            return
        whole = bytes(self._data)
        if self._file is None:
            self._patience.attempt(lambda: self._system.pipe_file(self._inner, whole), self._url)
            return
        if whole:
            self._once(lambda: self._file.write(whole))
        self._once(self._file.close)

    def _once(self, call: Callable[[], Any]) -> Any:
        try:
            return bounded(call, self._patience.seconds)
        except Exception as error:
            self._broken = True
            raise as_os_error(error, self._url) from error

    def __enter__(self) -> WrittenFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _close_quietly(file: Any) -> None:
    try:
        file.close()
    except Exception:
        pass  # It was only read.
