"""Reads the lines of text files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.connectors.charsets import Utf8Stream, splits_at_newlines
from stream_engine.connectors.compression import decompressed
from stream_engine.connectors.filesystem import resolve
from stream_engine.connectors.line_blocks import LineBlocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.connectors.byte_stream import ByteStream
    from stream_engine.connectors.splits import FileSplit

# Measured as fastest: with larger blocks, bytes, text and lines no longer fit into a processor's cache together.
_BLOCK_SIZE = 64 * 1024


class TextReader:
    r"""The lines of ``splits``, in their order, without their ends (``\n`` or ``\r\n``; a ``\r`` elsewhere is data).

    Bytes that ``charset`` cannot decode become U+FFFD. Files are opened one after another, when they are reached.
    """

    def __init__(self, splits: Sequence[FileSplit], charset: str = "utf-8", block_size: int = _BLOCK_SIZE) -> None:
        self._charset = charset
        self._splits_at_newlines = splits_at_newlines(charset)
        if not self._splits_at_newlines and any(split.end is not None for split in splits):
            raise ValueError(f"a file in {charset} cannot be read by byte ranges")
        self._splits = splits
        self._block_size = block_size
        self._index = 0
        self._streams: list[ByteStream] = []
        self._blocks: LineBlocks | None = None
        self._block_offset: int | None = None
        self._lines: list[str] = []
        self._returned = 0
        # How far the present file was read, in bytes as they are stored.
        self._stored_offset = 0

    def read(self, limit: int) -> list[str] | None:
        """The next lines, at most ``limit``; None at the end. Raises OSError, which names the file."""
        while self._returned == len(self._lines):
            if self._index == len(self._splits):
                return None
            self._load_block()
        if self._returned == 0 and len(self._lines) <= limit:
            self._returned = len(self._lines)
            return self._lines
        lines = self._lines[self._returned : self._returned + limit]
        self._returned += len(lines)
        return lines

    def progress(self) -> tuple[int, int] | None:
        """How many bytes of the files were read, as they are stored, and how many there are; None: nobody knows.

        May be called by another thread than the one that reads.
        """
        sizes = [split.size for split in self._splits if split.size is not None]
        if len(sizes) < len(self._splits):
            return None
        index = self._index
        done = sum(sizes[:index])
        if self._streams and index < len(sizes):
            done += max(0, min(self._stored_offset - self._splits[index].start, sizes[index]))
        return done, sum(sizes)

    def position(self) -> tuple[int, int | None, int]:
        """The split, the offset of a line in it (None: not begun), and how many lines from there on were returned.

        Offsets count decompressed bytes; those of utf-8, where the charset does not allow to begin in the middle.
        """
        if self._returned < len(self._lines):
            return self._index, self._block_offset, self._returned
        return self._index, self._blocks.offset if self._blocks else self._block_offset, 0

    def seek(self, position: tuple[int, int | None, int]) -> None:
        """Raises what ``read`` raises."""
        self._close_split()
        self._index, self._block_offset, returned = position
        while returned > 0 and (lines := self.read(returned)) is not None:
            returned -= len(lines)

    def close(self) -> None:
        self._close_split()
        self._index = len(self._splits)

    def _load_block(self) -> None:
        """The split's next lines; opens the split first, and leaves it when it has no more."""
        path = self._splits[self._index].path
        try:
            blocks = self._blocks = self._blocks or self._open_split()
            self._block_offset = blocks.offset
            block = blocks.next()
            if self._splits[self._index].size is not None:
                self._stored_offset = self._file.tell()
        except Exception as error:  # Each compression format has its own for damaged data.
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise OSError(f"cannot read {path}: {reason}") from error
        if block is None:
            self._close_split()
            self._index += 1
            return
        self._lines = _lines_of(block, self._charset if self._splits_at_newlines else "utf-8")
        self._returned = 0

    def _open_split(self) -> LineBlocks:
        """The blocks of the split, from ``_block_offset`` on when that is known."""
        split = self._splits[self._index]
        file_system, path = resolve(split.path)
        self._file, self._stored_offset = file_system.open(path), split.start
        self._streams.append(self._file)
        stream = decompressed(self._file, path)
        self._streams.append(stream)
        if not self._splits_at_newlines:
            stream = Utf8Stream(stream, self._charset)
        if self._block_offset is None:
            return LineBlocks(stream, split.start, split.end, split.start == 0, self._block_size)
        return LineBlocks(stream, self._block_offset, split.end, True, self._block_size)

    def _close_split(self) -> None:
        while self._streams:
            self._streams.pop().close()
        self._blocks = None
        self._block_offset = None
        self._lines = []
        self._returned = 0


def _lines_of(block: bytes, charset: str) -> list[str]:
    text = block.decode(charset, "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines
