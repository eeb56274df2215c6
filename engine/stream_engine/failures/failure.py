"""A failure in its parts, and as the text that people read.

It is all plain data: unpickling it needs no code of the user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A part of a line and its role, which gives its colour; empty: none. A "traceback" has many lines.
Role = Literal["", "what", "heading", "file", "line number", "source", "marks", "traceback"]
Line = tuple[tuple[Role, str], ...]


class Frame(NamedTuple):
    """A line of source that was executed, or that is not valid Python: then ``function`` is empty.

    ``source`` is its text, with marks below it, in lines that are indented by four or more blanks.
    """

    file: str
    line: int
    function: str
    source: tuple[str, ...]


class Raised(NamedTuple):
    """An exception: ``what`` is its class and the first line of its text, ``more`` the other lines and its notes.

    ``relation`` says how it led to one before it. In place of frames or exceptions that are left out there is a str.
    """

    what: str
    more: tuple[str | Frame, ...] = ()
    frames: tuple[str | Frame, ...] = ()
    relation: str = ""


class RemoteException(NamedTuple):
    """The data to rebuild an exception in another process: its class and bases, by module and name.

    ``base`` is the first of them that is Python's own; ``args`` and ``attributes`` hold plain data.
    """

    classes: tuple[tuple[str, str], ...]
    base: str
    args: tuple[Any, ...]
    attributes: dict[str, Any]


class Failure(NamedTuple):
    """Why a job failed.

    ``raised`` is what happened, ``advice`` what to do about it, ``behind`` what led to it. ``operator`` is the name of
    the one that failed, ``task`` the id of its task, ``subtask`` counts from 1 up to ``parallelism``, ``location`` is
    where the script made it and ``phase`` what it was doing, if that was not a record; ``record`` is its repr. ``full``
    is the traceback with the frames of the engine. One that is ``final`` would come again after a restart.
    """

    raised: Raised
    advice: str = ""
    operator: str = ""
    task: int | None = None
    subtask: int = 0
    parallelism: int = 0
    location: str = ""
    phase: str = ""
    record: str | None = None
    behind: tuple[str | Raised, ...] = ()
    full: str = ""
    exception: RemoteException | None = None
    final: bool = False

    @classmethod
    def of_text(cls, text: str) -> Failure:
        """A failure with only a message."""
        what, *more = text.split("\n")
        return cls(Raised(what, tuple(more)))

    @property
    def headline(self) -> str:
        """What happened and where, in one line."""
        place = self._place() or next((line for line in self.raised.more if isinstance(line, str)), "")
        return " ".join(filter(None, (self._what(), place.strip())))

    def lines(self) -> list[Line]:
        """The whole report without the full traceback; the first line says what happened."""
        lines: list[Line] = [(("what", self._what()),), *_lines_of(self.raised.more)]
        if place := self._place():
            lines.append((("", f"  {place}"),))
        if self.record is not None:
            lines.append((("", f"  with the record {self.record}"),))
        return [*lines, *self.trace()]

    def trace(self) -> list[Line]:
        """The frames, and what led to it."""
        lines = list(_lines_of(self.raised.frames))
        for other in self.behind:
            if isinstance(other, str):
                lines.append((("heading", other),))
            else:
                lines.append((("heading", f"{other.relation} {other.what}"),))
                lines += _lines_of((*other.more, *other.frames))
        return lines

    def __str__(self) -> str:
        return text_of(self.lines())

    def _what(self) -> str:
        what = self.raised.what
        return f"{what}{'' if what.endswith(('.', '!', '?')) else '.'} {self.advice}" if self.advice else what

    def _place(self) -> str:
        if not self.operator:
            return ""
        made = f", made at {self.location}" if self.location else ""
        phase = f" {self.phase}" if self.phase else ""
        return f"in operator '{self.operator}' (subtask {self.subtask} of {self.parallelism}{made}){phase}"


def text_of(lines: Sequence[Line]) -> str:
    return "\n".join("".join(text for _, text in line) for line in lines)


def lines_of_frames(frames: Sequence[str | Frame]) -> list[Line]:
    """Frames as Python shows them."""
    return list(_lines_of(frames))


def _lines_of(parts: Sequence[str | Frame]) -> Iterator[Line]:
    for part in parts:
        if isinstance(part, str):
            yield (("" if part.startswith(" ") else "heading", part),)
            continue
        where = f", in {part.function}" if part.function else ""
        yield (("file", f'  File "{part.file}"'), ("line number", f", line {part.line}"), ("", where))
        for line in part.source:
            yield (("source" if line.strip(" ~^") else "marks", line),)
