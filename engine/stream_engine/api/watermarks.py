"""Event time: where records' timestamps come from, and how far behind them others may still come."""

from __future__ import annotations

from typing import Any

from stream_engine.api.functions import Function
from stream_engine.api.time import milliseconds_of


class Watermark:
    """Says that no record with a timestamp up to ``timestamp``, in ms since the epoch, is expected any more."""

    __slots__ = ("timestamp",)

    def __init__(self, timestamp: int) -> None:
        self.timestamp = timestamp

    def get_timestamp(self) -> int:
        return self.timestamp

    getTimestamp = get_timestamp

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Watermark) and self.timestamp == other.timestamp

    def __hash__(self) -> int:
        return hash(self.timestamp)

    def __repr__(self) -> str:
        return f"Watermark({self.timestamp})"


class TimestampAssigner(Function):
    """``extractTimestamp(value, previous_timestamp)`` returns a record's event time, an int of ms since the epoch."""


class AssignerWithPeriodicWatermarks(TimestampAssigner):
    """Asked from time to time: ``getCurrentWatermark()`` returns a Watermark, an int of ms, or None."""


class AssignerWithPunctuatedWatermarks(TimestampAssigner):
    """Asked after each record: ``checkAndGetNextWatermark(value, timestamp)`` returns a Watermark, an int, or None."""


class BoundedOutOfOrdernessTimestampExtractor(TimestampAssigner):
    """``extractTimestamp(value)`` returns the event time in ms of records that are late by a known time at most."""

    max_out_of_orderness = 0

    def __init__(self, max_out_of_orderness: Any) -> None:
        """A Time, a timedelta, or an int of ms."""
        self.max_out_of_orderness = milliseconds_of(max_out_of_orderness)


class AscendingTimestampExtractor(TimestampAssigner):
    """``extractAscendingTimestamp(value)`` returns the event time in ms of records that come in its order."""
