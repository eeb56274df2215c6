"""Slows the time of a Python that valgrind makes slow, so that what goes by time comes as often as without it.

Batches of records, buffers that are flushed in time, heartbeats, and how long a process waits for another to end.
"""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# About what callgrind takes, where it has a core for itself.
_SLOWER = 50


def _slowed(clock: Callable[[], float]) -> Callable[[], float]:
    # Without a beginning of its own: processes tell each other times.
    return lambda: clock() / _SLOWER


def _stretched(sleep: Callable[[float], None]) -> Callable[[float], None]:
    return lambda seconds: sleep(seconds * _SLOWER)


class _Patient:
    """A poll object, of the kind that ``make`` makes, whose timeouts are that much longer."""

    make: Callable[..., Any]

    def __init__(self, *arguments: Any) -> None:
        self._made = self.make(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)

    def poll(self, timeout: float | None = None, *arguments: Any) -> Any:
        # A negative one is none.
        longer = timeout * _SLOWER if timeout is not None and timeout > 0 else timeout
        return self._made.poll(longer, *arguments)


for _name, _change in (
    ("time", _slowed),
    ("monotonic", _slowed),
    ("perf_counter", _slowed),
    ("sleep", _stretched),
):
    setattr(time, _name, _change(getattr(time, _name)))
for _name in ("poll", "epoll"):
    if hasattr(select, _name):
        # A class, as the selectors keep it where a function would become a method of theirs.
        setattr(select, _name, type("Patient", (_Patient,), {"make": staticmethod(getattr(select, _name))}))
