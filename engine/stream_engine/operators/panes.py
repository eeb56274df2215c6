"""Time windows cut into panes.

A pane is the longest stretch of time that no window of an assigner divides, so that each record is touched once,
however many windows overlap there; a window's result is put together from its panes.
"""

from __future__ import annotations

from math import gcd, isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.graph.operators import TimeWindows

Contents = dict[Any, Any]


class Panes:
    """What windows hold that have not fired yet: a value per key, per pane. Times in ms since the epoch."""

    def __init__(self, windows: TimeWindows, lateness: int = 0) -> None:
        self.size = windows.size
        self.slide = windows.slide
        self.width = gcd(windows.size, windows.slide)
        self._lateness = lateness
        self._panes: dict[int, Contents] = {}
        self._fired: int | None = None

    def __bool__(self) -> bool:
        """Whether any window that has not fired has contents."""
        return any(contents and not self._over(start) for start, contents in self._panes.items())

    def start(self, time: int) -> int:
        """Where the pane begins that ``time`` falls into."""
        return time - time % self.width

    def contents(self, start: int) -> Contents:
        """The values of the pane that begins at ``start``."""
        contents = self._panes.get(start)
        if contents is None:
            contents = self._panes[start] = {}
        return contents

    def pop(self) -> Iterator[tuple[int, Contents]]:
        """Every pane with its contents, earliest first; they are forgotten."""
        panes, self._panes = self._panes, {}
        for start in sorted(panes):
            if panes[start]:
                yield start, panes[start]

    def fire(self, until: float, merge: Callable[[list[Contents]], Contents]) -> Iterator[tuple[int, int, Contents]]:
        """The start, end and contents of every window that ends at ``until`` or before and has any, in order.

        ``merge`` makes one dict of those of several panes, and must leave them as they are.
        """
        while (end := self._next_end()) is not None and end <= until:
            self._fired = end
            panes = self.within(end)
            if panes:
                alone = self.width == self.size and not self._lateness
                yield end - self.size, end, panes[0] if alone else merge(panes)
        if isfinite(until):
            # Windows that had nothing to fire have passed as well.
            passed = (int(until) - self.size) // self.slide * self.slide + self.size
            self._fired = passed if self._fired is None else max(self._fired, passed)
        for start in [start for start in self._panes if self._last_end(start) + self._lateness <= until]:
            del self._panes[start]

    def within(self, end: int) -> list[Contents]:
        """What the window that ends at ``end`` has in each of its panes, in order."""
        starts = sorted(start for start in self._panes if end - self.size <= start < end)
        return [self._panes[start] for start in starts if self._panes[start]]

    def ends(self, time: int) -> list[int]:
        """The ends of all windows that ``time`` falls into, in order; none where the slide is longer than the size."""
        return list(range(self._first_end(time), time + self.size + 1, self.slide))

    def _next_end(self) -> int | None:
        """The end of the earliest window that has contents and has not fired."""
        starts = [start for start, contents in self._panes.items() if contents and not self._over(start)]
        if not starts:
            return None
        end = self._first_end(min(starts))
        return end if self._fired is None else max(end, self._fired + self.slide)

    def _over(self, start: int) -> bool:
        """Whether all windows that cover the pane at ``start``, if there are any, have fired."""
        last = self._last_end(start)
        return last <= start or (self._fired is not None and last <= self._fired)

    def _first_end(self, time: int) -> int:
        """The end of the earliest window that covers ``time``, or that ends after it where none does."""
        return (time - self.size) // self.slide * self.slide + self.slide + self.size

    def _last_end(self, time: int) -> int:
        """The end of the last window that begins at ``time`` or before; it may be before ``time``."""
        return time // self.slide * self.slide + self.size
