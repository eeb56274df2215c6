"""Values for another process in which no code of the user must run, not even that of a pickle.

The ``__reduce__`` of a class decides what unpickling does: it may end the process, hang, or raise. Plain data does
nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray)
# Immutable types of the standard library, whose pickles run no code of the user.
_VALUES = (("datetime", ("date", "datetime", "time", "timedelta")), ("decimal", ("Decimal",)))
_MOST_VALUES = 10_000
_DEEPEST = 20


class PlainData:
    """Makes values plain. ``show(value)`` replaces a value that is neither plain nor a collection of plain values.

    At most 10,000 values, nested up to 20 deep, are kept; ``"..."`` replaces the others.
    """

    def __init__(self, show: Callable[[object], str]) -> None:
        self._show = show
        self._left = _MOST_VALUES

    def of(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if type(value) in _PLAIN or _is_immutable(value):
            return value
        if self._left < 0 or depth >= _DEEPEST:
            return "..."
        try:
            return self.collection(value, depth + 1)
        except TypeError:
            # What stands for an element cannot be one.
            return self._show(value)

    def collection(self, value: Any, depth: int) -> Any:
        """Reduces subclasses to Python's own class, whatever they do in its methods."""
        kind = type(value)
        if issubclass(kind, str):
            return str.__str__(value)
        if issubclass(kind, tuple):
            return tuple(self._all(tuple.__iter__(value), depth))
        if issubclass(kind, list):
            return self._all(list.__iter__(value), depth)
        if issubclass(kind, dict):
            return {self.of(key, depth): self.of(each, depth) for key, each in list(dict.items(value))}
        if issubclass(kind, set):
            return set(self._all(set.__iter__(value), depth))
        if issubclass(kind, frozenset):
            return frozenset(self._all(frozenset.__iter__(value), depth))
        return self._show(value)

    def _all(self, values: Iterable[Any], depth: int) -> list[Any]:
        return [self.of(each, depth) for each in values]


def _is_immutable(value: Any) -> bool:
    for module, names in _VALUES:
        if module in sys.modules and any(getattr(sys.modules[module], name) is type(value) for name in names):
            # The class of a time zone may be the user's.
            return getattr(value, "tzinfo", None) is None
    return False
