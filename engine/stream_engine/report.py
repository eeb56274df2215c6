"""Reports an exception to the author of a script: what was raised, only their frames, and what led to it.

Modules that only a report needs are imported when one is made.
"""

from __future__ import annotations

import os
import reprlib
from itertools import groupby
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.failures.causes import related, traceback_of
from stream_engine.failures.failure import Failure, Frame, Raised
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from traceback import FrameSummary
    from types import FrameType

GENERATED = "<chain "
"""The beginning of the file names of generated code."""


class Place(NamedTuple):
    """Where a frame is. Columns are those of Python 3.11 and later; without them they are those of what was raised."""

    file: str
    line: int
    function: str
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None


inlined: dict[tuple[str, int], tuple[Place, ...]] = {}
"""By file and line of generated code with functions inlined: the frames, from the outermost, if these were called."""

_OURS = ("stream_engine", "pyflink_stream")
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
# Nobody reads a report that is longer than a screen. The last frames matter most, then the first.
_FIRST, _LAST = 3, 7
# How often the same line of a recursion is shown.
_SAME = 3
# Of many exceptions, the first are nearest to the failure, and the last may be its origin.
_FIRST_ERRORS, _LAST_ERRORS = 6, 4

# Control characters, ends of lines, and characters that change the direction of text.
_OBEYED = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)), " ")

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 200
_repr.maxlist = _repr.maxtuple = _repr.maxdict = 8


def one_line(name: str) -> str:
    """A name in one line and without control characters, whatever a script calls its jobs and operators."""
    return " ".join(name.translate(_OBEYED).split())


def shortened(record: object) -> str:
    """The record's ``repr`` in one line of limited length."""
    try:
        return _repr.repr(record).replace("\n", "\\n")
    except BaseException as error:
        # Any exception: the report is about another one.
        return f"<{type(record).__name__}, whose repr raises {type(error).__name__}>"


def failure_of(error: BaseException) -> Failure:
    """The Failure of an exception, with all that led to it."""
    return Failure(raised(error), behind=behind(error))


def raised(error: BaseException, relation: str = "") -> Raised:
    """An exception as Python shows it; those of the engine itself without their class."""
    try:
        what, more = _told(error)
    except BaseException as inner:
        # Its class has code of its own where Python looks for plain attributes.
        what, more = f"{type(error).__name__}, which cannot be shown: {type(inner).__name__}", ()
    return Raised(what, more, frames(traceback_of(error)), relation)


def _told(error: BaseException) -> tuple[str, tuple[str | Frame, ...]]:
    from traceback import TracebackException

    # ``_seen`` keeps out what led to the exception, which may be much.
    said = TracebackException(type(error), error, traceback_of(error), limit=0, compact=True, _seen=set())
    # Python 3.13 reads it.
    vars(said).setdefault("exceptions", None)
    lines = "".join(said.format_exception_only()).splitlines()
    # For a syntax error, the line that cannot be read comes first.
    first = next((index for index, line in enumerate(lines) if not line.startswith("  ")), 0)
    if is_ours(type(error).__module__):
        _, _, lines[first] = lines[first].partition(": ")
    what, *more = lines[first:]
    if not more and "Did you mean: " not in what:
        what += _guess(error)
    if first == 0 or said.filename is None:
        return what, (*more, *lines[:first])
    return what, (*more, Frame(said.filename, int(said.lineno or 0), "", tuple(lines[1:first])))


def _guess(error: BaseException) -> str:
    """The name that is meant by one that is misspelt, as Python 3.12 and later mostly add it themselves."""
    if not issubclass(type(error), AttributeError | NameError | ImportError):
        return ""
    from stream_engine.failures.misspelt import meant_by

    try:
        meant = meant_by(error, traceback_of(error))
    except Exception:
        # Code of the user's object has failed; the report is about another error.
        return ""
    return f". Did you mean: {meant!r}?" if meant else ""


def frames(traceback: TracebackType | None) -> tuple[str | Frame, ...]:
    """The frames of the script and of what it calls, as Python shows them; of many, the middle ones are left out."""
    places: list[str | TracebackType | FrameSummary] = []
    for _, group in groupby(_visible(traceback), _line_of):
        same = list(group)
        places += same[:_SAME]
        if len(same) > _SAME:
            times = "time" if len(same) == _SAME + 1 else "times"
            places.append(f"  [Previous line repeated {len(same) - _SAME} more {times}]")
    if len(places) > _FIRST + _LAST:
        places[_FIRST:-_LAST] = [f"  ... {len(places) - _FIRST - _LAST} more ..."]
    return tuple(place if isinstance(place, str) else _frame(place) for place in places)


def _line_of(place: TracebackType | FrameSummary) -> object:
    return (place.tb_frame.f_code, place.tb_lineno) if isinstance(place, TracebackType) else place


def _frame(place: TracebackType | FrameSummary) -> Frame:
    from traceback import StackSummary, extract_tb

    if isinstance(place, TracebackType):
        place = extract_tb(place, limit=1)[0]
    # The first line is what the others are told by.
    _, *source = StackSummary.from_list([place]).format()[0].splitlines()
    return Frame(place.filename, place.lineno or 0, place.name, tuple(source))


def unfolded(place: FrameSummary) -> list[FrameSummary]:
    """The frames that there would be in place of one, if no function was inlined."""
    from traceback import FrameSummary

    places = inlined.get((place.filename, place.lineno or 0))
    if places is None:
        return [place]
    line, end_line, *columns = (getattr(place, name, None) for name in ("lineno", "end_lineno", "colno", "end_colno"))
    if line is not None and end_line is not None:
        last = places[-1]
        places = (*places[:-1], Place(*last[:3], last.line + end_line - line, *columns))
    frames: list[FrameSummary] = []
    for file, line, function, *where in places:
        names = ("end_lineno", "colno", "end_colno") if hasattr(place, "colno") else ()
        frames.append(FrameSummary(file, line, function, **dict(zip(names, where, strict=False))))
    return frames


def full_text(error: BaseException) -> str:
    """What Python prints of ``error``, as if no function was inlined. May raise what the code of its class raises."""
    from traceback import TracebackException

    told = TracebackException(type(error), error, traceback_of(error), compact=True)
    pending: list[Any] = [told] if inlined else []
    while pending:
        each = pending.pop()
        each.stack[:] = [frame for place in each.stack for frame in unfolded(place)]
        others = (each.__cause__, each.__context__, *(getattr(each, "exceptions", None) or ()))
        pending += [other for other in others if other is not None]
    return "".join(told.format())


def behind(error: BaseException) -> tuple[str | Raised, ...]:
    """The exceptions that led to ``error``, with their frames; not those that are internal to the engine.

    Each appears once; of many, the middle ones are left out.
    """
    chain = [
        (relation, other)
        for relation, other in _chain(error)
        if traceback_of(other) is None or next(_visible(traceback_of(other)), None) is not None
    ]
    first, last = chain, []
    more: tuple[str, ...] = ()
    if len(chain) > _FIRST_ERRORS + _LAST_ERRORS + 1:
        first, last = chain[:_FIRST_ERRORS], chain[-_LAST_ERRORS:]
        more = (f"... {len(chain) - _FIRST_ERRORS - _LAST_ERRORS} more exceptions ...",)
    return (
        *(raised(other, relation) for relation, other in first),
        *more,
        *(raised(other, relation) for relation, other in last),
    )


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """What led to ``error``: each exception once, with its relation to one before it."""
    seen = {id(error)}
    waiting = [("", error)]
    while waiting:
        relation, current = waiting.pop()
        if current is not error:
            yield relation, current
        # The message of a failed job already has everything.
        if not issubclass(type(current), JobExecutionException):
            others = [each for each in related(current) if id(each[1]) not in seen]
            seen.update(id(other) for _, other in others)
            waiting += reversed(others)


def whereabouts(frame: FrameType | None) -> str:
    """The line that a thread executes, as ``file:line``: the innermost one in the script or in an installed library.

    Empty if there is none.
    """
    while frame is not None:
        file = frame.f_code.co_filename
        if places := inlined.get((file, frame.f_lineno)):
            return next(f"{each.file}:{each.line}" for each in reversed(places) if not each.file.startswith(GENERATED))
        ours = is_ours(str(frame.f_globals.get("__name__"))) or file.startswith((GENERATED, "<frozen "))
        if not ours and not file.startswith(_STANDARD_LIBRARY):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _visible(traceback: TracebackType | None) -> Iterator[TracebackType | FrameSummary]:
    # Whether the engine called the current frame, for its own purposes.
    within = True
    while traceback is not None:
        frame = traceback.tb_frame
        file = frame.f_code.co_filename
        if is_ours(frame.f_globals.get("__name__")) or file.startswith(GENERATED):
            within = not file.startswith(GENERATED)
            if (file, traceback.tb_lineno) in inlined:
                from traceback import extract_tb

                places = unfolded(extract_tb(traceback, limit=1)[0])
                yield from (place for place in places if not place.filename.startswith(GENERATED))
        elif not file.startswith("<frozen ") and not (within and _is_library(frame)):
            within = False
            yield traceback
        traceback = traceback.tb_next


def is_ours(module: object) -> bool:
    return str(module).partition(".")[0] in _OURS


def _is_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(_STANDARD_LIBRARY) or any(part in file for part in _INSTALLED)
