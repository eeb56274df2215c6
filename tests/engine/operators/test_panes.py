"""Which panes a window is put together from, and when."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from stream_engine.graph.specs import TimeWindows
from stream_engine.operators.panes import Panes


def merge(panes: list[dict[Any, Any]]) -> dict[Any, Any]:
    merged: dict[Any, Any] = {}
    for pane in panes:
        for key, values in pane.items():
            merged.setdefault(key, []).extend(values)
    return merged


def held(panes: Panes, *times: int) -> Panes:
    """Adds each time to its pane, as a value."""
    for time in times:
        panes.contents(panes.start(time)).setdefault("k", []).append(time)
    return panes


@pytest.mark.parametrize(
    ("size", "slide", "width"), [(50, 50, 50), (100, 20, 20), (100, 30, 10), (7, 5, 1), (5, 15, 5)]
)
def test_a_pane_is_the_longest_time_that_no_window_divides(size: int, slide: int, width: int) -> None:
    panes = Panes(TimeWindows(size, slide))
    assert panes.width == width
    assert panes.start(1000 * width + width - 1) == 1000 * width


def test_a_window_fires_once_its_end_has_come() -> None:
    panes = held(Panes(TimeWindows(100, 50)), 10, 60)
    assert list(panes.fire(49, merge)) == []
    assert list(panes.fire(50, merge)) == [(-50, 50, {"k": [10]})]
    assert list(panes.fire(50, merge)) == []
    assert list(panes.fire(150, merge)) == [(0, 100, {"k": [10, 60]}), (50, 150, {"k": [60]})]
    assert not panes


def test_empty_windows_do_not_fire() -> None:
    panes = held(Panes(TimeWindows(10, 10)), 5, 1_000_005)
    assert [window[:2] for window in panes.fire(inf, merge)] == [(0, 10), (1_000_000, 1_000_010)]


def test_records_between_windows_are_in_none() -> None:
    panes = held(Panes(TimeWindows(10, 30)), 5, 15, 25, 35, 45)
    assert list(panes.fire(inf, merge)) == [(0, 10, {"k": [5]}), (30, 40, {"k": [35]})]
    assert not panes
