"""Time windows cut into panes.

A pane is the longest stretch of time that no window of an assigner divides, so that each record is touched once,
however many windows overlap there; a window's result is put together from its panes.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.graph.operators import TimeWindows

Contents = dict[Any, Any]


class Panes:
    """What windows hold that have not fired yet: a value per key, per pane. Times in ms since the epoch."""

    def __init__(self, windows: TimeWindows) -> None:
        self.size = windows.size
        self.slide = windows.slide
        self.width = gcd(windows.size, windows.slide)
        self._panes: dict[int, Contents] = {}
        self._fired: int | None = None

    def __bool__(self) -> bool:
        """Whether any window that has not fired has contents."""
        return any(self._panes.values())

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
        while self._panes:
            first = min(self._panes)
            if not self._panes[first]:
                del self._panes[first]
                continue
            end = self._first_end(first)
            if first < end - self.size:
                # Between two windows, where the slide is longer than the size.
                del self._panes[first]
                continue
            if end > until:
                return
            begin = end - self.size
            panes = [self._panes[start] for start in sorted(self._panes) if start < end]
            self._fired = end
            for start in [start for start in self._panes if start < begin + self.slide]:
                del self._panes[start]
            yield begin, end, panes[0] if self.width == self.size else merge(panes)

    def _first_end(self, start: int) -> int:
        """The end of the earliest window that covers the pane at ``start`` and has not fired."""
        end = ((start - self.size) // self.slide + 1) * self.slide + self.size
        return end if self._fired is None else max(end, self._fired + self.slide)
