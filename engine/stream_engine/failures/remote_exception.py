"""Takes an exception from a worker to the script's process, without running any code of its class there.

Unpickling would run its ``__reduce__``, just when the failure of a job has to be reported. So the worker notes plain
data, and the script's process builds the object from what Python's own base class needs.
"""

from __future__ import annotations

import builtins
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from stream_engine.failures.causes import set_cause
from stream_engine.failures.failure import RemoteException, text_of
from stream_engine.failures.plain_data import PlainData

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.failures.failure import Failure


class RemoteTraceback(Exception):
    """The user's part of a traceback from a worker, as text: the ``__cause__`` of the rebuilt exception.

    ``full`` is the traceback with the frames of the engine.
    """

    def __init__(self, users: str, full: str) -> None:
        super().__init__(users, full)
        self.full = full

    def __str__(self) -> str:
        return "\n" + str(self.args[0])


class _Nested:
    """An exception among the arguments or attributes of another."""

    def __init__(self, taken: RemoteException) -> None:
        self.taken = taken


# --- in the worker ---------------------------------------------------------------------------------------------------


def taken_down(error: BaseException, show: Callable[[object], str]) -> RemoteException:
    """The data to rebuild ``error``; ``show(value)`` replaces values that are no plain data."""
    return _Notes(show).exception(error, 0)


class _Notes(PlainData):
    """Plain data in which exceptions are replaced by the data to rebuild them."""

    def exception(self, error: BaseException, depth: int) -> RemoteException:
        bases = type(error).__mro__
        base: Any = next(each for each in bases if _is_pythons_own(each))
        # Python's own __reduce__, not that of the class.
        _, args, *state = base.__reduce__(error)
        attributes: dict[str, Any] = state[0] if state and state[0] else {}
        return RemoteException(
            tuple((each.__module__, each.__qualname__) for each in bases if issubclass(each, BaseException)),
            base.__name__,
            tuple(self.of(each, depth) for each in args),
            {name: self.of(each, depth) for name, each in attributes.items() if type(name) is str},
        )

    def collection(self, value: Any, depth: int) -> Any:
        if issubclass(type(value), BaseException):
            return _Nested(self.exception(value, depth))
        return super().collection(value, depth)


def _is_pythons_own(kind: type) -> bool:
    return vars(builtins).get(kind.__name__) is kind


# --- in the script's process -----------------------------------------------------------------------------------------


def cause_rebuilt(failure: Failure) -> BaseException:
    """The exception that a user function raised, or one with the same text."""
    try:
        assert failure.exception is not None
        error = rebuilt(failure.exception)
    except Exception:
        # For example a group with exceptions that could not be taken down.
        error = RuntimeError(failure.raised.what)
    set_cause(error, RemoteTraceback(text_of(failure.trace()), failure.full))
    return error


def rebuilt(taken: RemoteException) -> BaseException:
    """The exception, in the first of its classes that this process has loaded. Runs no code of these classes."""
    base: Any = vars(builtins)[taken.base]
    kind = next(found for found in map(_loaded, taken.classes) if found is not None and issubclass(found, base))
    args = tuple(map(_revived, taken.args))
    try:
        error = base.__new__(kind, *args)
        base.__init__(error, *args)
    except Exception:
        # Python's own class does not take these arguments; the user's class kept them from it.
        error = base.__new__(kind)
    attributes: dict[str, Any] = vars(BaseException)["__dict__"].__get__(error)
    for name, value in taken.attributes.items():
        place: Any = getattr(base, name, None)
        if hasattr(type(place), "__set__"):
            place.__set__(error, _revived(value))
        else:
            attributes[name] = _revived(value)
    return error


def _loaded(name: tuple[str, str]) -> type[BaseException] | None:
    module, qualified = name
    found: Any = sys.modules.get(module)
    for part in qualified.split("."):
        if not issubclass(type(found), type | ModuleType):
            return None
        found = vars(found).get(part)
    return found if issubclass(type(found), type) and issubclass(found, BaseException) else None


def _revived(value: Any) -> Any:
    if type(value) is _Nested:
        return rebuilt(value.taken)
    if type(value) in (tuple, list, set, frozenset):
        return type(value)(map(_revived, value))
    if type(value) is dict:
        return {_revived(key): _revived(each) for key, each in value.items()}
    return value
