"""A script's text, the edits that turn its syntax into Python 3's, and where each character came from."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Source:
    """The text of one script, with ``\\n`` as its only line end; offsets count characters from 0."""

    def __init__(self, text: str, filename: str) -> None:
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.filename = filename
        self._starts = line_starts(self.text)

    def position(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (from 1) without its line end."""
        start = self._starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]


class Edit(NamedTuple):
    """``text`` takes the place of the characters from ``start`` up to ``end``."""

    start: int
    end: int
    text: str


class Patched:
    """A text after edits. Of two edits that overlap only the first counts."""

    def __init__(self, original: str, edits: Iterable[Edit]) -> None:
        pieces: list[str] = []
        self._places: list[int] = [0]
        self._origins: list[tuple[int, bool]] = [(0, True)]
        length = at = 0

        def add(piece: str, origin: int, copied: bool) -> None:
            nonlocal length
            if piece:
                self._places.append(length)
                self._origins.append((origin, copied))
                pieces.append(piece)
                length += len(piece)

        for edit in sorted(edits, key=lambda edit: edit.start):
            if edit.start < at:
                continue
            add(original[at : edit.start], at, True)
            add(edit.text, edit.start, False)
            at = edit.end
        add(original[at:], at, True)
        self.text = "".join(pieces)
        self._starts = line_starts(self.text)

    def origin(self, offset: int) -> int:
        """The offset in the original text of what stands at ``offset`` in this one."""
        segment = bisect_right(self._places, offset) - 1
        origin, copied = self._origins[segment]
        return origin + offset - self._places[segment] if copied else origin

    def offset(self, line: int, column: int) -> int:
        """The offset in this text of a line (from 1) and a column (from 0, in characters)."""
        return min(self._starts[min(line, len(self._starts)) - 1] + column, len(self.text))

    def byte_offset(self, line: int, column: int) -> int:
        """As ``offset``, for a column counted in bytes of UTF-8, as syntax trees do."""
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return start + len(self.text[start:end].encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))


def fixed(text: str, edits: Sequence[Edit], start: int, end: int) -> str:
    """The text from ``start`` up to ``end`` with those of the edits applied that lie within."""
    inside = [Edit(e.start - start, e.end - start, e.text) for e in edits if start <= e.start and e.end <= end]
    return Patched(text[start:end], inside).text


def line_starts(text: str) -> list[int]:
    starts = [0]
    while (at := text.find("\n", starts[-1])) >= 0:
        starts.append(at + 1)
    return starts
