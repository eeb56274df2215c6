"""Lengths of time, and which clock windows go by."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any

from stream_engine.api.capture.snapshot import refuse

_MILLISECOND_IN_NS = 1_000_000
_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


class TimeCharacteristic(Enum):
    """The clock that time windows go by.

    ``ProcessingTime``: the worker's own clock. ``EventTime``: the timestamps that records carry. ``IngestionTime``:
    the time at which a record entered the job, which on one machine is its processing time.
    """

    ProcessingTime = "ProcessingTime"
    IngestionTime = "IngestionTime"
    EventTime = "EventTime"


class TimeUnit(Enum):
    """Units of time, as java.util.concurrent has them; the value of each is its length in ns."""

    NANOSECONDS = 1
    MICROSECONDS = 1_000
    MILLISECONDS = _MILLISECOND_IN_NS
    SECONDS = _SECOND * _MILLISECOND_IN_NS
    MINUTES = _MINUTE * _MILLISECOND_IN_NS
    HOURS = _HOUR * _MILLISECOND_IN_NS
    DAYS = _DAY * _MILLISECOND_IN_NS

    def to_millis(self, count: int) -> int:
        """``count`` of the unit in whole ms."""
        return count * self.value // _MILLISECOND_IN_NS

    toMillis = to_millis


class Time:
    """A length of time, in whole ms."""

    __slots__ = ("_milliseconds",)

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    @classmethod
    def milliseconds(cls, count: float) -> Time:
        return cls._of(count, 1)

    @classmethod
    def seconds(cls, count: float) -> Time:
        return cls._of(count, _SECOND)

    @classmethod
    def minutes(cls, count: float) -> Time:
        return cls._of(count, _MINUTE)

    @classmethod
    def hours(cls, count: float) -> Time:
        return cls._of(count, _HOUR)

    @classmethod
    def days(cls, count: float) -> Time:
        return cls._of(count, _DAY)

    @classmethod
    def _of(cls, count: float, unit: int) -> Time:
        if not isinstance(count, int | float) or isinstance(count, bool):
            refuse(f"A length of time is a number, not {count!r}.")
        exact = count * unit
        if exact < 0 or exact != int(exact):
            refuse(f"A length of time is a whole number of milliseconds from 0, not {exact}.")
        return cls(int(exact))

    @classmethod
    def of(cls, count: float, unit: TimeUnit) -> Time:
        """As many of a TimeUnit."""
        if not isinstance(unit, TimeUnit):
            refuse(f"Time.of() takes a number and a TimeUnit such as TimeUnit.SECONDS, not {unit!r}.")
        # Divided unit by unit: large counts have no exact quotient.
        factor, rest = divmod(unit.value, _MILLISECOND_IN_NS)
        return cls._of(count * rest / _MILLISECOND_IN_NS, 1) if rest else cls._of(count, factor)

    def to_milliseconds(self) -> int:
        return self._milliseconds

    toMilliseconds = to_milliseconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self._milliseconds == other._milliseconds

    def __hash__(self) -> int:
        return hash(self._milliseconds)

    def __repr__(self) -> str:
        return f"Time({self._milliseconds} ms)"


def milliseconds_of(time: Any) -> int:
    """The ms of a Time, a timedelta, or an int that counts ms already. Raises InvalidProgramException for others."""
    if isinstance(time, Time):
        return time.to_milliseconds()
    if isinstance(time, timedelta):
        return Time.milliseconds(time / timedelta(milliseconds=1)).to_milliseconds()
    if isinstance(time, int) and not isinstance(time, bool):
        return Time.milliseconds(time).to_milliseconds()
    refuse(f"A length of time is a Time such as seconds(5), a timedelta, or an int of milliseconds, not {time!r}.")
