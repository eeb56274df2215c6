"""Streams of bytes that text is read from."""

from __future__ import annotations

from typing import Protocol

_BLOCK = 256 * 1024


class ByteStream(Protocol):
    """What a file object and the streams below have in common."""

    def read(self, size: int, /) -> bytes | None:
        """At most ``size`` bytes; none at the end."""
        ...

    def seek(self, offset: int, /) -> int:
        """The next read begins at ``offset``."""
        ...

    def close(self) -> None: ...


class ConvertedStream:
    """Bytes that are made from those of another stream. An offset is reached only by reading up to it."""

    def __init__(self, source: ByteStream) -> None:
        self._source = source
        self._offset = 0
        self._ahead = b""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        if not self._ahead:
            self._ahead = self.convert_next()
        data = self._ahead[:size]
        self._ahead = self._ahead[size:]
        self._offset += len(data)
        return data

    def seek(self, offset: int, /) -> int:
        """Reads up to ``offset``, or to the end."""
        while self._offset < offset and self.read(min(_BLOCK, offset - self._offset)):
            pass
        return self._offset

    def close(self) -> None:
        """Leaves the other stream open."""
        self._ahead = b""

    def convert_next(self) -> bytes:
        """Returns the next bytes, as many as come; none at the end. Subclasses define it."""
        raise NotImplementedError
