"""An exception told to the author of a script: what was raised, their frames alone, and what lies behind it.

Lines have no line break at their end. Modules that only a report needs are imported where one is made.
"""

from __future__ import annotations

import os
import reprlib
from typing import TYPE_CHECKING

from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from traceback import FrameSummary
    from types import FrameType, TracebackType

GENERATED = "<chain "
"""How the file names of generated code begin."""

_OURS = ("stream_engine", "pyflink_stream")
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
# A report longer than a screen is not read. The frames that matter are the last, then the first.
_FIRST, _LAST = 3, 7

# Control characters, ends of lines, and what turns the direction of the text that follows.
_OBEYED = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)), " ")

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 200
_repr.maxlist = _repr.maxtuple = _repr.maxdict = 8


def one_line(name: str) -> str:
    """A name on one line and without what a terminal would obey, whatever a script calls its jobs and operators."""
    return " ".join(name.translate(_OBEYED).split())


def shortened(record: object) -> str:
    """The record's ``repr`` in one line of bearable length."""
    try:
        return _repr.repr(record).replace("\n", "\\n")
    except Exception as error:
        return f"<{type(record).__name__}, whose repr raises {type(error).__name__}>"


def told(error: BaseException) -> list[str]:
    """The whole report: the first line says what happened."""
    return [*raised(error), *frames(error.__traceback__), *behind(error)]


def raised(error: BaseException) -> list[str]:
    """What was raised, as Python puts it, but the line that says it first; what the engine refuses needs no class."""
    from traceback import TracebackException

    said = TracebackException(type(error), error, error.__traceback__, compact=True)
    lines = "".join(said.format_exception_only()).splitlines()
    # Of a syntax error, the line that cannot be read comes before.
    first = next((index for index, line in enumerate(lines) if not line.startswith("  ")), 0)
    if _is_ours(type(error).__module__):
        _, _, lines[first] = lines[first].partition(": ")
    return lines[first:] + lines[:first]


def frames(traceback: TracebackType | None) -> list[str]:
    """The frames of the script and of what it calls, as Python shows them; those in the middle of many are left out."""
    from traceback import StackSummary

    entries = StackSummary.from_list(list(_visible(traceback))).format()
    if len(entries) > _FIRST + _LAST:
        entries[_FIRST:-_LAST] = [f"  ... {len(entries) - _FIRST - _LAST} more ...\n"]
    return "".join(entries).splitlines()


def behind(error: BaseException) -> list[str]:
    """The exceptions that led to ``error``, with their frames; not those that only the engine knew."""
    lines: list[str] = []
    if isinstance(error, JobExecutionException):
        # Its message has it all.
        return lines
    for relation, other in _related(error):
        shown = frames(other.__traceback__)
        if shown or other.__traceback__ is None:
            what, *more = raised(other)
            lines += [f"{relation} {what}", *more, *shown]
        lines += behind(other)
    return lines


def _related(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    for part in getattr(error, "exceptions", ()):
        yield "one of them:", part
    if error.__cause__ is not None:
        yield "caused by", error.__cause__
    elif error.__context__ is not None and not error.__suppress_context__:
        yield "raised while handling", error.__context__


def whereabouts(frame: FrameType | None) -> str:
    """The line that a thread has come to, as ``file:line``: the innermost of the script's or of what it has installed.

    Empty where there is none.
    """
    while frame is not None:
        file = frame.f_code.co_filename
        ours = _is_ours(str(frame.f_globals.get("__name__"))) or file.startswith((GENERATED, "<frozen "))
        if not ours and not file.startswith(_STANDARD_LIBRARY):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _visible(traceback: TracebackType | None) -> Iterator[FrameSummary]:
    from traceback import extract_tb, walk_tb

    # Whether what called the present frame was the engine, for purposes of its own.
    within = True
    for (frame, _), summary in zip(walk_tb(traceback), extract_tb(traceback), strict=True):
        file = summary.filename
        if _is_ours(str(frame.f_globals.get("__name__"))) or file.startswith(GENERATED):
            within = not file.startswith(GENERATED)
        elif not file.startswith("<frozen ") and not (within and _is_library(frame)):
            within = False
            yield summary


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _OURS


def _is_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(_STANDARD_LIBRARY) or any(part in file for part in _INSTALLED)
