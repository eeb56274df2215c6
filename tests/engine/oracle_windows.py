"""What windows mean, told in the plainest way: each with a list of its own of all that is in it."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from stream_engine.graph import specs
from stream_engine.window import GlobalWindow, TimeWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def count_windows(group: list[Any], windows: specs.CountWindows) -> Iterator[tuple[GlobalWindow, list[Any]]]:
    """Of the elements of one key, every ``slide``-th with those before it, ``size`` at most."""
    for end in range(windows.slide, len(group) + 1, windows.slide):
        yield GlobalWindow(), group[max(0, end - windows.size) : end]


class Windowing:
    """Time windows of all keys, which elements and watermarks come to in order. ``fired``: key, window, elements."""

    def __init__(self, operator: specs.WindowReduce | specs.WindowApply, key_of: Callable[[Any], Any]) -> None:
        assert isinstance(operator.windows, specs.TimeWindows)
        self._windows = operator.windows
        self._lateness = operator.lateness
        self._key_of = key_of
        # None: the end of time; below it, no watermark has come while there is none.
        self._watermark: int | None = -(2**63)
        self._contents: dict[tuple[int, Any], list[Any]] = {}
        self.fired: list[tuple[Any, TimeWindow, list[Any]]] = []
        self.late: list[Any] = []
        # Whether a window has fired a second time.
        self.refired = False

    def add(self, element: Any) -> None:
        key = self._key_of(deepcopy(element.record))
        ends = self._ends(element.time)
        for end in ends:
            if self._is_past(end - 1 + self._lateness):
                continue
            self._contents.setdefault((end, key), []).append(element)
            if self._is_past(end - 1):
                self.refired = True
                self._fire(end, key)
        # One that is in no window is late by its own time, and others by that of their last window.
        if self._is_past((ends[-1] - 1 if ends else element.time) + self._lateness):
            self.late.append(element)

    def advance(self, watermark: int | None) -> None:
        """Fires what is over by then, the earliest first; with None, all that has not fired. Time never goes back."""
        if watermark is not None and self._is_past(watermark):
            return
        before = [each for each in self._contents if not self._is_past(each[0] - 1)]
        self._watermark = watermark
        for end, key in sorted(before, key=lambda each: each[0]):
            if self._is_past(end - 1):
                self._fire(end, key)

    def _fire(self, end: int, key: Any) -> None:
        self.fired.append((key, TimeWindow(end - self._windows.size, end), list(self._contents[end, key])))

    def _is_past(self, time: int) -> bool:
        return self._watermark is None or time <= self._watermark

    def _ends(self, time: int) -> list[int]:
        last = time // self._windows.slide * self._windows.slide
        starts = range(last, time - self._windows.size, -self._windows.slide)
        return sorted(start + self._windows.size for start in starts)
