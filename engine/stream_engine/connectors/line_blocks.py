"""Cuts the lines of a byte range out of a stream, in large blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.connectors.byte_stream import ByteStream


class LineBlocks:
    r"""The lines, ended by ``\n``, that start in the bytes from ``start`` up to, not including, ``end`` (None: no end).

    ``offset`` is where the next block begins, always at the start of a line. ``at_line`` says that ``start`` is
    known to be one; otherwise the line that reaches into the range from before is left to the range it starts in.
    Reads about ``block_size`` bytes at a time; a line of any length costs time in proportion to it.
    """

    def __init__(self, stream: ByteStream, start: int, end: int | None, at_line: bool, block_size: int) -> None:
        self._stream = stream
        self._end = end
        self._block_size = block_size
        self._ahead = b""  # read, but not yet searched for the end of a line
        self.offset = start
        if not at_line:
            stream.seek(start - 1)
            self._skip_begun_line(start - 1)
        elif start > 0:
            stream.seek(start)

    def next(self) -> bytes | None:
        r"""Whole lines, at least one; None at the end. Only the last line of the input may come without its ``\n``."""
        if self._end is not None and self.offset >= self._end:
            return None
        pieces: list[bytes] = []
        searched = self.offset
        while True:
            chunk = self._ahead or self._read()
            self._ahead = b""
            if not chunk:
                break
            cut = self._cut(chunk, searched)
            if cut:
                self._ahead = chunk[cut:]
                pieces.append(chunk[:cut])
                break
            pieces.append(chunk)
            searched += len(chunk)
        block = b"".join(pieces)
        self.offset += len(block)
        return block or None

    def _cut(self, chunk: bytes, offset: int) -> int:
        """How many bytes of ``chunk``, which begins at ``offset``, are whole lines of the range."""
        if self._end is not None and offset + len(chunk) >= self._end:
            # The newline at or after the range's last byte ends the last line that starts in the range.
            return chunk.find(b"\n", max(0, self._end - 1 - offset)) + 1
        return chunk.rfind(b"\n") + 1

    def _skip_begun_line(self, offset: int) -> None:
        while chunk := self._read():
            cut = chunk.find(b"\n") + 1
            offset += cut or len(chunk)
            if cut or (self._end is not None and offset >= self._end):
                self._ahead = chunk[cut:]
                break
        self.offset = offset

    def _read(self) -> bytes:
        return self._stream.read(self._block_size) or b""
