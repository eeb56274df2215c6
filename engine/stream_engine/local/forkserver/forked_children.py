"""Calls that are made in each process that a script or its functions fork, before their code runs there."""

from __future__ import annotations

import os
import signal
from _thread import get_ident
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_actions: dict[object, Callable[[], object]] = {}
# The signals that the forking thread had blocked before.
_masks: dict[int, set[Any]] = {}


def in_forked_children(action: Callable[[], object]) -> Callable[[], None]:
    """Calls ``action`` in each process that is forked from now on. Call the result to end that."""
    key = object()
    _actions[key] = action

    def forget() -> None:
        _actions.pop(key, None)

    return forget


def restore_signals(handlers: Mapping[int, Any]) -> None:
    """Sets the handlers of signals, by number."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _before() -> None:
    # A signal that comes before the child has its own handlers waits for them.
    if _actions:
        _masks[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _in_parent() -> None:
    mask = _masks.pop(get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    actions = list(_actions.values())
    # They belong to its parent.
    _actions.clear()
    for action in actions:
        action()
    _in_parent()
    _masks.clear()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
