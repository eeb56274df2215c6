"""The exceptions that led to an exception, whatever code its class has for Python's attributes.

They may form a circle, as after ``raise error from error``: code that follows them has to remember what it has seen.
"""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

# The attributes of BaseException itself: a class may hide them behind its own code.
_cause, _context, _suppresses, _traceback = (
    getattr(BaseException, name) for name in ("__cause__", "__context__", "__suppress_context__", "__traceback__")
)


def cause_of(error: BaseException) -> BaseException | None:
    return _cause.__get__(error)


def set_cause(error: BaseException, cause: BaseException | None) -> None:
    _cause.__set__(error, cause)


def context_of(error: BaseException) -> BaseException | None:
    return _context.__get__(error)


def traceback_of(error: BaseException) -> TracebackType | None:
    return _traceback.__get__(error)


def behind(error: BaseException) -> Iterator[BaseException]:
    """Each exception that led to ``error``, once, the nearest first; also suppressed ones."""
    seen = {id(error)}
    waiting = [error]
    while waiting:
        current = waiting.pop()
        for other in (_context.__get__(current), _cause.__get__(current)):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)
        if current is not error:
            yield current


def related(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """The exceptions that Python would print with ``error``, with their relation to it."""
    for part in _parts(error):
        yield "one of them:", part
    cause, context = _cause.__get__(error), _context.__get__(error)
    if cause is not None:
        yield "caused by", cause
    elif context is not None and not _suppresses.__get__(error):
        yield "raised while handling", context


def _parts(error: BaseException) -> tuple[BaseException, ...]:
    """The exceptions in a group. Before Python 3.11 there are groups where their backport has been imported."""
    groups: Any = builtins if hasattr(builtins, "BaseExceptionGroup") else sys.modules.get("exceptiongroup")
    group = getattr(groups, "BaseExceptionGroup", None)
    if group is None or not issubclass(type(error), group):
        return ()
    return group.exceptions.__get__(error)
