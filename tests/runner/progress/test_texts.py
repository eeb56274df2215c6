"""How numbers and times are written."""

from __future__ import annotations

from datetime import datetime

import pytest

from pyflink_stream.progress import texts


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (999.6, "1.00k"),
        (1234, "1.23k"),
        (99_949, "99.9k"),
        (99_960, "100k"),
        (999_600, "1.00M"),
        (45_600_000, "45.6M"),
        (2e12, "2.00T"),
        (3e15, "3.00P"),
    ],
)
def test_counts_take_five_columns(number: float, text: str) -> None:
    assert texts.count(number) == text
    assert len(text) <= 5


def test_sizes_have_units() -> None:
    assert [texts.size(number) for number in (0, 512, 1500, 34_666_539)] == ["0 B", "512 B", "1.50 kB", "34.7 MB"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (7.9, "0:07"), (750, "12:30"), (3723, "1:02:03"), (183_900, "2 d 03:05")],
)
def test_durations(seconds: float, text: str) -> None:
    assert texts.duration(seconds) == text


def test_exact_durations() -> None:
    assert [texts.exact_duration(seconds) for seconds in (0.123, 12.34, 61)] == ["0.12 s", "12.3 s", "1:01"]


def test_watermarks_are_times_where_they_can_be() -> None:
    now = datetime.now().replace(hour=12, minute=30, second=5)
    assert texts.moment(int(now.timestamp() * 1000)) == "12:30:05"
    assert texts.moment(int(datetime(2001, 2, 3, 4, 5).timestamp() * 1000)) == "2001-02-03 04:05"
    assert texts.moment(900) == "900"
    assert texts.moment(10**17) == str(10**17)
    assert texts.moment(2**63 - 1) == "end"
