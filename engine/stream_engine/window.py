"""The windows that a WindowFunction gets."""

from __future__ import annotations

_LAST_TIMESTAMP = 2**63 - 1


class TimeWindow:
    """The records whose time t, in ms since the epoch, is ``start <= t < end``."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end

    def max_timestamp(self) -> int:
        """The last ms that belongs to the window."""
        return self.end - 1

    def get_start(self) -> int:
        return self.start

    def get_end(self) -> int:
        return self.end

    maxTimestamp = max_timestamp
    getStart = get_start
    getEnd = get_end

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TimeWindow) and (self.start, self.end) == (other.start, other.end)

    def __hash__(self) -> int:
        return hash((self.start, self.end))

    def __lt__(self, other: TimeWindow) -> bool:
        return (self.start, self.end) < (other.start, other.end)

    def __repr__(self) -> str:
        return f"TimeWindow(start={self.start}, end={self.end})"


class GlobalWindow:
    """The one window of count windows: it holds all records of a key, whatever their time."""

    __slots__ = ()

    def max_timestamp(self) -> int:
        """The largest timestamp there is: this window never ends by time."""
        return _LAST_TIMESTAMP

    maxTimestamp = max_timestamp

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GlobalWindow)

    def __hash__(self) -> int:
        return hash(GlobalWindow)

    def __repr__(self) -> str:
        return "GlobalWindow()"
