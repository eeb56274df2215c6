"""The keys of a keyed stream: how to get them, and which ones are valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators.ownership import own

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction

MISSING = object()


class InvalidKeyError(TypeError):
    """A key that cannot be compared by value: equal keys would not meet."""


def key_call(selector: UserFunction) -> Any:
    """The callable that returns a record's key."""
    function = selector.load()
    return getattr(function, selector.method) if selector.method else function


def kept_key(key: Any) -> Any:
    """The key to keep when it comes for the first time: a copy, if whoever has the record could change it.

    Raises InvalidKeyError for a key that equals only itself.
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
    # Never true of a value that can be compared; the usual case is NaN.
    if key != key:
        raise InvalidKeyError(f"{key!r} cannot be a key: it does not equal itself")
