"""Actions that subtasks schedule for a certain time."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Owner(Protocol):
    """The subtask whose timer it is."""

    paused: bool
    finished: bool


class Timers:
    """Actions by their time, in ms since the epoch; those of one time run in the order they were scheduled in."""

    def __init__(self) -> None:
        self._timers: list[tuple[int, int, Any, Callable[[], None]]] = []
        self._serial = count()
        self._postponed: list[tuple[int, int, Any, Callable[[], None]]] = []

    @property
    def next(self) -> float:
        """When the next action is due; inf: there is none."""
        return self._timers[0][0] if self._timers else inf

    def schedule(self, time: int, owner: Owner, action: Callable[[], None]) -> None:
        heappush(self._timers, (time, next(self._serial), owner, action))

    def run(self, now: int, before: Callable[[Any], object] | None = None) -> None:
        """Runs actions that are due, unless their owner has finished; those of a paused owner have to wait.

        Calls ``before`` with the owner before each.
        """
        while self._timers and self._timers[0][0] <= now:
            timer = heappop(self._timers)
            _, _, owner, action = timer
            if owner.paused:
                self._postponed.append(timer)
            elif not owner.finished:
                if before is not None:
                    before(owner)
                action()

    def resume(self) -> None:
        """The set of paused subtasks has changed."""
        while self._postponed:
            heappush(self._timers, self._postponed.pop())
