"""What happens in a process that a script or its functions fork, before any of their code runs there."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_actions: dict[object, Callable[[], object]] = {}


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


def _run() -> None:
    actions = list(_actions.values())
    # Those are this process's, not its children's.
    _actions.clear()
    for action in actions:
        action()


os.register_at_fork(after_in_child=_run)
