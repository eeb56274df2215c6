"""An exception told to the author of a script: what was raised, their frames alone, and what lies behind it.

Modules that only a report needs are imported where one is made.
"""

from __future__ import annotations

import os
import reprlib
from itertools import groupby
from typing import TYPE_CHECKING

from stream_engine.failures.causes import related, traceback_of
from stream_engine.failures.failure import Failure, Frame, Raised
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

GENERATED = "<chain "
"""How the file names of generated code begin."""

_OURS = ("stream_engine", "pyflink_stream")
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
# A report longer than a screen is not read. The frames that matter are the last, then the first.
_FIRST, _LAST = 3, 7
# Of a recursion, a line is shown so many times.
_SAME = 3
# Of many exceptions the first are nearest to what failed, and the last may be what it all began with.
_FIRST_ERRORS, _LAST_ERRORS = 6, 4

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
    except BaseException as error:
        # Of whatever class: what is to be reported is something else.
        return f"<{type(record).__name__}, whose repr raises {type(error).__name__}>"


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception is, with all that led to it."""
    return Failure(raised(error), behind=behind(error))


def raised(error: BaseException, relation: str = "") -> Raised:
    """An exception as Python puts it; what the engine refuses needs no class."""
    try:
        what, more = _told(error)
    except BaseException as inner:
        # Its class has code of its own where Python looks for plain attributes.
        what, more = f"{type(error).__name__}, which cannot be shown: {type(inner).__name__}", ()
    return Raised(what, more, frames(traceback_of(error)), relation)


def _told(error: BaseException) -> tuple[str, tuple[str | Frame, ...]]:
    from traceback import TracebackException

    # One that has been seen already brings in nothing of what led to it, which may be much.
    said = TracebackException(type(error), error, traceback_of(error), limit=0, compact=True, _seen=set())
    # It is asked for by Python 3.13.
    vars(said).setdefault("exceptions", None)
    lines = "".join(said.format_exception_only()).splitlines()
    # Of a syntax error, the line that cannot be read comes before.
    first = next((index for index, line in enumerate(lines) if not line.startswith("  ")), 0)
    if _is_ours(type(error).__module__):
        _, _, lines[first] = lines[first].partition(": ")
    what, *more = lines[first:]
    if first == 0 or said.filename is None:
        return what, (*more, *lines[:first])
    return what, (*more, Frame(said.filename, int(said.lineno or 0), "", tuple(lines[1:first])))


def frames(traceback: TracebackType | None) -> tuple[str | Frame, ...]:
    """The frames of the script and of what it calls, as Python shows them; those in the middle of many are left out."""
    places: list[str | TracebackType] = []
    for (_, _), group in groupby(_visible(traceback), lambda place: (place.tb_frame.f_code, place.tb_lineno)):
        same = list(group)
        places += same[:_SAME]
        if len(same) > _SAME:
            times = "time" if len(same) == _SAME + 1 else "times"
            places.append(f"  [Previous line repeated {len(same) - _SAME} more {times}]")
    if len(places) > _FIRST + _LAST:
        places[_FIRST:-_LAST] = [f"  ... {len(places) - _FIRST - _LAST} more ..."]
    return tuple(place if isinstance(place, str) else _frame(place) for place in places)


def _frame(place: TracebackType) -> Frame:
    from traceback import extract_tb

    summary = extract_tb(place, limit=1)
    # The first line is what the others are told by.
    _, *source = summary.format()[0].splitlines()
    return Frame(summary[0].filename, place.tb_lineno, summary[0].name, tuple(source))


def behind(error: BaseException) -> tuple[str | Raised, ...]:
    """The exceptions that led to ``error``, with their frames; not those that only the engine knew.

    Each is there once, and those in the middle of many are left out.
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
    """What led to ``error``, each exception once, with how it is related to one before it."""
    seen = {id(error)}
    waiting = [("", error)]
    while waiting:
        relation, current = waiting.pop()
        if current is not error:
            yield relation, current
        # The message of a failed job has it all.
        if not issubclass(type(current), JobExecutionException):
            others = [each for each in related(current) if id(each[1]) not in seen]
            seen.update(id(other) for _, other in others)
            waiting += reversed(others)


def whereabouts(frame: FrameType | None, inlined: Callable[[FrameType], str] = lambda frame: "") -> str:
    """The line that a thread has come to, as ``file:line``: the innermost of the script's or of what it has installed.

    Empty where there is none. ``inlined`` tells the line that one of generated code stands for, if it does.
    """
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(GENERATED) and (place := inlined(frame)):
            return place
        ours = _is_ours(str(frame.f_globals.get("__name__"))) or file.startswith((GENERATED, "<frozen "))
        if not ours and not file.startswith(_STANDARD_LIBRARY):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _visible(traceback: TracebackType | None) -> Iterator[TracebackType]:
    # Whether what called the present frame was the engine, for purposes of its own.
    within = True
    while traceback is not None:
        frame = traceback.tb_frame
        file = frame.f_code.co_filename
        if _is_ours(frame.f_globals.get("__name__")) or file.startswith(GENERATED):
            within = not file.startswith(GENERATED)
        elif not file.startswith("<frozen ") and not (within and _is_library(frame)):
            within = False
            yield traceback
        traceback = traceback.tb_next


def _is_ours(module: object) -> bool:
    return str(module).partition(".")[0] in _OURS


def _is_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(_STANDARD_LIBRARY) or any(part in file for part in _INSTALLED)
