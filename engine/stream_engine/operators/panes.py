"""Time windows cut into panes.

A pane is the longest stretch of time that no window of an assigner divides, so that each record is touched once,
however many windows overlap there; the result of a window is merged from its panes.
"""

from __future__ import annotations

from bisect import bisect_left
from math import gcd, inf, isfinite
from typing import TYPE_CHECKING, Any

from stream_engine.operators.snapshot import LEAVE_BEHIND, StateError, windows_of
from stream_engine.operators.tables import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.graph.specs import TimeWindows
    from stream_engine.operators.snapshot import RestoredState
    from stream_engine.operators.tables import Entries

    Merge = Callable[[list["Contents"]], Entries]

# A Table of values, or of lists.
Contents = Any

_TITLE = "pane"


class Panes:
    """The contents of windows that have not fired yet: a value per key and pane. Times in ms since the epoch.

    ``holds`` names the kind of values: only values of the same kind can be restored.
    """

    def __init__(
        self,
        windows: TimeWindows,
        lateness: int = 0,
        new_contents: Callable[[], Contents] = dict,
        holds: str = "reduced values",
    ) -> None:
        self._windows = windows
        self._holds = holds
        self._new_contents = new_contents
        self.size = windows.size
        self.slide = windows.slide
        self.width = gcd(windows.size, windows.slide)
        self._lateness = lateness
        self._panes: dict[int, Contents] = {}
        # No pane begins before it: while it is too early for any window to fire, nothing is searched.
        self._earliest: float = inf
        self._fired: int | None = None

    def __bool__(self) -> bool:
        """Whether any window that has not fired has contents."""
        return any(contents and not self._over(start) for start, contents in self._panes.items())

    def start(self, time: int) -> int:
        """The start of the pane that ``time`` falls into."""
        return time - time % self.width

    def contents(self, start: int) -> Contents:
        """The values of the pane that begins at ``start``."""
        contents = self._panes.get(start)
        if contents is None:
            contents = self._panes[start] = self._new_contents()
            self._earliest = min(self._earliest, start)
        return contents

    def tables(self) -> dict[str, Contents]:
        """All contents, by titles with the kind of windows, the start of the pane, and up to where windows have fired.

        The windows that end at that time or earlier have fired; None: none has.
        """
        return {
            f"{_TITLE} {self.size} {self.slide} {start} {self._fired} {self._time} {self._holds}": contents
            for start, contents in self._panes.items()
            if contents
        }

    @property
    def _time(self) -> str:
        return "event" if self._windows.event_time else "processing"

    @property
    def _description(self) -> str:
        return _described(self.size, self.slide, self._time, self._holds)

    def restore(self, state: RestoredState) -> list[Panes]:
        """Restores the tables of other panes, or of several with different keys. There must be nothing here yet.

        Some of several may have fired windows that others had not. Here these count as fired; those that had not are
        returned, for ``catch_up`` to fire. Raises StateError for windows of another kind.
        """
        groups: dict[float, dict[int, Contents]] = {}
        for title in state.keyed:
            kind, *numbers = title.split(" ")
            if kind == _TITLE:
                size, slide, start = map(int, numbers[:3])
                # Older checkpoints do not have the kind of values.
                time, holds = (numbers[4], " ".join(numbers[5:])) if numbers[4:] else (self._time, self._holds)
                former, own = _described(size, slide, time, holds), self._description
                if former != own:
                    raise StateError(
                        f"the state is that of {former}, and cannot be taken over by {own}: {LEAVE_BEHIND}"
                    )
                fired = -inf if numbers[3] == "None" else int(numbers[3])
                contents = self._new_contents()
                contents.update(state.entries(title))
                if contents:
                    groups.setdefault(fired, {})[start] = contents
        if not groups:
            return []
        last = max(groups)
        self._fired = None if last == -inf else int(last)
        self._take(groups.pop(last))
        behind = [self._left_behind(group, fired) for fired, group in groups.items()]
        for panes in behind:
            for start, contents in panes._panes.items():
                if not self._over(start) or self._lateness:
                    self.contents(start).update(contents.items())
        return behind

    def catch_up(self, ahead: Panes, merge: Merge) -> Iterator[tuple[int, int, Entries]]:
        """Fires windows as ``fire`` does, up to where those of ``ahead`` have fired."""
        assert ahead._fired is not None
        return self.fire(ahead._fired, merge)

    def _left_behind(self, panes: dict[int, Contents], fired: float) -> Panes:
        others = Panes(self._windows, self._lateness, self._new_contents, self._holds)
        others._take(panes)
        others._fired = None if fired == -inf else int(fired)
        return others

    def _take(self, panes: dict[int, Contents]) -> None:
        self._panes = panes
        self._earliest = min(panes, default=inf)

    def pop(self) -> Iterator[tuple[int, Contents]]:
        """Removes and returns every pane with its contents, earliest first."""
        panes = self._panes
        self._take({})
        for start in sorted(panes):
            if panes[start]:
                yield start, panes[start]
            forget(panes[start])

    def fire(self, until: float, merge: Merge) -> Iterator[tuple[int, int, Entries]]:
        """The start, end and contents of every window with contents that ends at ``until`` or earlier, in order.

        ``merge`` makes one dict of the contents of several panes, and must not change them.
        """
        if self._panes and self._first_end(int(self._earliest)) <= until:
            starts = sorted(self._panes)
            yield from self._fire(starts, until, merge)
            over = 0
            while over < len(starts) and self._last_end(starts[over]) + self._lateness <= until:
                forget(self._panes.pop(starts[over]))
                over += 1
            self._earliest = starts[over] if over < len(starts) else inf
        if isfinite(until):
            # Empty windows have passed as well.
            passed = (int(until) - self.size) // self.slide * self.slide + self.size
            self._fired = passed if self._fired is None else max(self._fired, passed)

    def _fire(self, starts: list[int], until: float, merge: Merge) -> Iterator[tuple[int, int, Entries]]:
        for start in starts:
            while self._panes[start] and not self._over(start):
                end = self._first_end(start)
                if self._fired is not None:
                    end = max(end, self._fired + self.slide)
                if end > until:
                    return
                self._fired = end
                panes = self._between(starts, end)
                alone = self.width == self.size and not self._lateness
                yield end - self.size, end, panes[0] if alone else merge(panes)

    def within(self, end: int) -> list[Contents]:
        """The contents of the window that ends at ``end``, pane by pane, in order."""
        return self._between(sorted(self._panes), end)

    def _between(self, starts: list[int], end: int) -> list[Contents]:
        within = starts[bisect_left(starts, end - self.size) : bisect_left(starts, end)]
        return [self._panes[start] for start in within if self._panes[start]]

    def ends(self, time: int) -> list[int]:
        """The ends of all windows that ``time`` falls into, in order; none if ``time`` is in a gap between windows."""
        return list(range(self._first_end(time), time + self.size + 1, self.slide))

    def _over(self, start: int) -> bool:
        """Whether all windows that cover the pane at ``start``, if there are any, have fired."""
        last = self._last_end(start)
        return last <= start or (self._fired is not None and last <= self._fired)

    def _first_end(self, time: int) -> int:
        """The end of the earliest window that covers ``time``; if none does, of the first that ends after it."""
        return (time - self.size) // self.slide * self.slide + self.slide + self.size

    def _last_end(self, time: int) -> int:
        """The end of the last window that begins at ``time`` or earlier; it may be before ``time``."""
        return time // self.slide * self.slide + self.size


def _described(size: int, slide: int, time: str, holds: str) -> str:
    return f"{windows_of(size, slide)} by {time} time, which hold {holds}"
