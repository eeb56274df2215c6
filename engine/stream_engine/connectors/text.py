"""Reads the lines of text files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.connectors.charsets import Utf8Stream, splits_at_newlines
from stream_engine.connectors.compression import decompressed
from stream_engine.connectors.filesystem import resolve
from stream_engine.connectors.line_blocks import LineBlocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        self._splits = list(splits)
        self._block_size = block_size
        # Called before the first lines of each split are returned; its argument tells whether the split is the last.
        self.on_split: Callable[[bool], None] | None = None
        self._index = 0
        self._streams: list[ByteStream] = []
        self._blocks: LineBlocks | None = None
        # The bytes that the lines were made of, while some of them have not been returned.
        self._block = b""
        self._block_offset = 0
        self._lines: list[str] = []
        self._returned = 0
        # Where the current block begins and ends in its file, in bytes as they are stored.
        self._stored = (0, 0)

    def read(self, limit: int) -> list[str] | None:
        """The next lines, at most ``limit``; None at the end. Raises OSError, which names the file."""
        while self._returned == len(self._lines):
            if self._index == len(self._splits):
                return None
            self._load_block()
        if self._returned == 0 and len(self._lines) <= limit:
            self._returned = len(self._lines)
            self._block = b""
            return self._lines
        lines = self._lines[self._returned : self._returned + limit]
        self._returned += len(lines)
        return lines

    def progress(self) -> tuple[int, int] | None:
        """How many bytes of the files the returned lines are, as stored, and how many there are; None: unknown.

        May be called by another thread than the one that reads. Within a block, lines count as equally long.
        """
        sizes = [size for split in self._splits if (size := split.stored_size) is not None]
        if len(sizes) < len(self._splits):
            return None
        index = self._index
        done = sum(sizes[:index])
        if self._streams and index < len(sizes):
            begin, end = self._stored
            offset = begin + int((end - begin) * min(1.0, self._returned / max(1, len(self._lines))))
            done += max(0, min(offset - self._splits[index].start, sizes[index]))
        return done, sum(sizes)

    def position(self) -> list[tuple[str, int, int | None]]:
        """The path, start and end of what is left of each split.

        They count decompressed bytes; those of utf-8, where the charset does not allow to begin in the middle.
        """
        left = [(split.path, split.start, split.end) for split in self._splits[self._index :]]
        if self._blocks is not None:
            path, _, end = left[0]
            left[0] = (path, self._next_offset(self._blocks), end)
        return [(path, start, end) for path, start, end in left if end is None or start < end]

    def seek(self, position: list[tuple[str, int, int | None]]) -> None:
        from stream_engine.connectors.splits import FileSplit

        self._close_split()
        self._index = 0
        self._splits = [FileSplit(*split) for split in position]

    def take_share(
        self, positions: Sequence[list[tuple[str, int, int | None]]], subtask: int, parallelism: int
    ) -> None:
        """Takes a piece of each split that may be divided, and its share of the others."""
        from stream_engine.connectors.splits import FileSplit

        splits = [FileSplit(*split) for position in positions for split in position]
        divisible = [split.part(subtask, parallelism) for split in splits if split.end is not None]
        whole = [split for split in splits if split.end is None]
        self._close_split()
        self._index = 0
        self._splits = [split for split in divisible if split is not None] + whole[subtask::parallelism]

    def close(self) -> None:
        self._close_split()
        self._index = len(self._splits)

    def _load_block(self) -> None:
        """Loads the split's next lines; opens the split first, and closes it at its end."""
        path = self._splits[self._index].path
        begins = self._blocks is None
        try:
            blocks = self._blocks = self._blocks or self._open_split()
            self._block_offset = blocks.offset
            block = blocks.next()
            begin = end = self._stored[1]
            if self._splits[self._index].stored_size is not None:
                end = self._file.tell()
        except Exception as error:  # Each compression format has its own exceptions for damaged data.
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise OSError(f"cannot read {path}: {reason}") from error
        if block is None:
            self._close_split()
            self._index += 1
            return
        if begins and self.on_split is not None:
            self.on_split(self._index == len(self._splits) - 1)
        self._block = block
        # In this order, so that another thread never sees the progress go back.
        self._stored = (begin, begin)
        self._returned = 0
        self._lines = _lines_of(block, self._charset if self._splits_at_newlines else "utf-8")
        self._stored = (begin, end)

    def _next_offset(self, blocks: LineBlocks) -> int:
        """The offset of the line that is returned next."""
        if self._returned == len(self._lines):
            return blocks.offset
        end = 0
        for _ in range(self._returned):
            end = self._block.index(b"\n", end) + 1
        return self._block_offset + end

    def _open_split(self) -> LineBlocks:
        split = self._splits[self._index]
        file_system, path = resolve(split.path)
        self._file, self._stored = file_system.open(path), (split.start, split.start)
        self._streams.append(self._file)
        stream = decompressed(self._file, path)
        self._streams.append(stream)
        if not self._splits_at_newlines:
            stream = Utf8Stream(stream, self._charset)
        return LineBlocks(stream, split.start, split.end, split.start == 0, self._block_size)

    def _close_split(self) -> None:
        while self._streams:
            self._streams.pop().close()
        self._blocks = None
        self._block = b""
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
