"""Turns the several kinds of timestamp assigners that scripts pass into the one that the engine knows.

``AssignTimestamps`` describes its methods.
"""

from __future__ import annotations

import operator
from typing import Any

from stream_engine.api.analysis.signature import signature_of
from stream_engine.api.capture.pickling import pickled_function
from stream_engine.api.capture.snapshot import snapshot
from stream_engine.api.watermarks import (
    AscendingTimestampExtractor,
    AssignerWithPeriodicWatermarks,
    AssignerWithPunctuatedWatermarks,
    BoundedOutOfOrdernessTimestampExtractor,
    TimestampAssigner,
    Watermark,
)
from stream_engine.graph.functions import UserFunction

_CALL = (("value",), ("previous_timestamp",))


def assigner_of(assigner: Any) -> UserFunction:
    """A snapshot of what the engine runs for ``assigner``; a callable returns the timestamps of an ordered stream.

    Raises InvalidProgramException if it lacks a method, or cannot be pickled.
    """
    if isinstance(assigner, BoundedOutOfOrdernessTimestampExtractor):
        checked = snapshot(assigner, "extractTimestamp", BoundedOutOfOrdernessTimestampExtractor, *_CALL)
        normal = _Bounded(_method(assigner, checked), assigner.max_out_of_orderness)
    elif isinstance(assigner, AscendingTimestampExtractor):
        checked = snapshot(assigner, "extractAscendingTimestamp", AscendingTimestampExtractor, *_CALL)
        normal = _Bounded(_method(assigner, checked), 0)
    elif isinstance(assigner, AssignerWithPeriodicWatermarks) or hasattr(assigner, "getCurrentWatermark"):
        checked = snapshot(assigner, "extractTimestamp", AssignerWithPeriodicWatermarks, *_CALL)
        snapshot(assigner, "getCurrentWatermark", AssignerWithPeriodicWatermarks, ())
        normal = _Periodic(assigner)
    elif isinstance(assigner, AssignerWithPunctuatedWatermarks) or hasattr(assigner, "checkAndGetNextWatermark"):
        checked = snapshot(assigner, "extractTimestamp", AssignerWithPunctuatedWatermarks, *_CALL)
        snapshot(assigner, "checkAndGetNextWatermark", AssignerWithPunctuatedWatermarks, ("value", "timestamp"))
        normal = _Punctuated(assigner)
    else:
        checked = snapshot(assigner, "extractTimestamp", TimestampAssigner, *_CALL)
        normal = _Bounded(_method(assigner, checked), 0)
    return UserFunction(pickled_function(normal), checked.label, None)


def _method(assigner: Any, checked: UserFunction) -> Any:
    return assigner if checked.method is None else getattr(assigner, checked.method)


class _Assigner:
    def __init__(self, extract: Any) -> None:
        signature = signature_of(extract)
        self._extract = extract
        self._takes_previous = signature is not None and not signature.takes(1) and signature.takes(2)

    def extractTimestamp(self, value: Any, previous_timestamp: int | None) -> int:
        timestamp = self._extract(value, previous_timestamp) if self._takes_previous else self._extract(value)
        return timestamp if timestamp.__class__ is int else _whole(timestamp)

    def checkAndGetNextWatermark(self, value: Any, timestamp: int) -> int | None:
        return None

    def getCurrentWatermark(self) -> int | None:
        return None


class _Bounded(_Assigner):
    """A watermark follows the greatest timestamp at a fixed distance."""

    def __init__(self, extract: Any, bound: int) -> None:
        super().__init__(extract)
        self._bound = bound
        self._greatest: int | None = None

    def extractTimestamp(self, value: Any, previous_timestamp: int | None) -> int:
        timestamp = super().extractTimestamp(value, previous_timestamp)
        if self._greatest is None or timestamp > self._greatest:
            self._greatest = timestamp
        return timestamp

    def getCurrentWatermark(self) -> int | None:
        # Others with exactly this timestamp may follow.
        return None if self._greatest is None else self._greatest - self._bound - 1

    def snapshot_state(self) -> list[int]:
        return [] if self._greatest is None else [self._greatest]

    def restore_state(self, greatest: list[int]) -> None:
        self._greatest = min(greatest, default=None)

    def restore_all_states(self, states: list[list[int]]) -> None:
        # Each may get the rest of any other's input, which may be as far behind as that of the slowest.
        self._greatest = min(map(min, states)) if all(states) else None


class _Own(_Assigner):
    """The script's own assigner, which may have state."""

    def __init__(self, assigner: Any) -> None:
        super().__init__(assigner.extractTimestamp)
        for name in ("snapshot_state", "snapshotState", "restore_state", "restoreState"):
            if hasattr(assigner, name):
                setattr(self, name, getattr(assigner, name))


class _Periodic(_Own):
    def __init__(self, assigner: Any) -> None:
        super().__init__(assigner)
        self._watermark = assigner.getCurrentWatermark

    def getCurrentWatermark(self) -> int | None:
        return _timestamp_of(self._watermark())


class _Punctuated(_Own):
    def __init__(self, assigner: Any) -> None:
        super().__init__(assigner)
        self._watermark = assigner.checkAndGetNextWatermark

    def checkAndGetNextWatermark(self, value: Any, timestamp: int) -> int | None:
        return _timestamp_of(self._watermark(value, timestamp))


def _whole(timestamp: Any) -> int:
    try:
        return operator.index(timestamp)
    except TypeError:
        raise TypeError(
            f"an event time is an int of ms since the epoch, not the {type(timestamp).__name__} {timestamp!r}"
        ) from None


def _timestamp_of(watermark: Any) -> int | None:
    if watermark is None:
        return None
    return _whole(watermark.timestamp if isinstance(watermark, Watermark) else watermark)
