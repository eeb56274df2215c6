"""The keys of a keyed stream: how a record's key is had, and which ones will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators.ownership import own

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction

MISSING = object()


class InvalidKeyError(TypeError):
    """A key that cannot be compared by value, so that equal keys would not meet."""


def key_call(selector: UserFunction) -> Any:
    """The callable that gives a record's key."""
    function = selector.load()
    return getattr(function, selector.method) if selector.method else function


def kept_key(key: Any) -> Any:
    """A key as it is kept, when it is met for the first time: a copy, if whoever has the record could change it.

    Raises InvalidKeyError for one that only equals itself.
    """
    _check(key)
    return own(key)


def _check(key: Any) -> None:
    if isinstance(key, tuple):
        for item in key:
            _check(item)
        return
    # There is only one None and one Ellipsis, and the fork server's children have them at the same address.
    if type(key).__hash__ is object.__hash__ and key is not None and key is not ...:
        raise InvalidKeyError(
            f"{key!r} cannot be a key: {type(key).__name__} has neither __eq__ nor __hash__, so two equal keys would "
            "never meet. Define both, or key by its fields"
        )
    # Never true of a value that can be compared; NaN is the one that people meet.
    if key != key:
        raise InvalidKeyError(f"{key!r} cannot be a key: it does not equal itself")
