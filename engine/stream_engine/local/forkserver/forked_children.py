"""What happens in a process that a script or its functions fork, before any of their code runs there."""

from __future__ import annotations

import os
import signal
from _thread import get_ident
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_actions: dict[object, Callable[[], object]] = {}
# The signals that a thread which is forking had blocked before.
_masks: dict[int, set[Any]] = {}


def in_forked_children(action: Callable[[], object]) -> Callable[[], None]:
    """Calls ``action`` in each process that is forked from now on, until what is returned is called."""
    key = object()
    _actions[key] = action

    def forget() -> None:
        _actions.pop(key, None)

    return forget


def restore_signals(handlers: Mapping[int, Any]) -> None:
    """Gives signals other handlers, each by its number."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _before() -> None:
    # A signal that comes before the child has handlers of its own waits for them.
    if _actions:
        _masks[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _in_parent() -> None:
    mask = _masks.pop(get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    actions = list(_actions.values())
    # Those are its parent's.
    _actions.clear()
    for action in actions:
        action()
    _in_parent()
    _masks.clear()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
