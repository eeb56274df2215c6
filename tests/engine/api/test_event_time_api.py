from __future__ import annotations

from typing import Any

import pytest

from stream_engine.api.time import Time
from stream_engine.api.watermarks import (
    AscendingTimestampExtractor,
    AssignerWithPeriodicWatermarks,
    AssignerWithPunctuatedWatermarks,
    BoundedOutOfOrdernessTimestampExtractor,
    Watermark,
)
from stream_engine.graph.specs import AssignTimestamps
from stream_engine.job import InvalidProgramException


class Bounded(BoundedOutOfOrdernessTimestampExtractor):
    def extractTimestamp(self, value: Any) -> Any:
        return value


class Ascending(AscendingTimestampExtractor):
    def extractAscendingTimestamp(self, value: Any) -> Any:
        return value


class Periodic(AssignerWithPeriodicWatermarks):
    def __init__(self) -> None:
        self.last: int | None = None

    def extractTimestamp(self, value: Any, previous: Any) -> Any:
        self.last = value
        return value

    def getCurrentWatermark(self) -> Any:
        return None if self.last is None else Watermark(self.last - 100)


class Punctuated(AssignerWithPunctuatedWatermarks):
    def extractTimestamp(self, value: Any, previous: Any) -> Any:
        return value if previous is None else previous

    def checkAndGetNextWatermark(self, value: Any, timestamp: int) -> Any:
        return timestamp if value % 2 == 0 else None


class NoWatermark(AssignerWithPeriodicWatermarks):
    def extractTimestamp(self, value: Any) -> Any:
        return value


def assigner(env: Any, words: Any, given: Any) -> Any:
    words.assign_timestamps_and_watermarks(given)
    operator = env.graph.nodes[-1].operator
    assert isinstance(operator, AssignTimestamps)
    assert operator.assigner.method is None
    return operator.assigner.load()


def test_a_bounded_watermark_follows_the_greatest_timestamp(env: Any, words: Any) -> None:
    bounded = assigner(env, words, Bounded(Time.seconds(1)))

    assert bounded.getCurrentWatermark() is None
    assert [bounded.extractTimestamp(time, None) for time in (5000, 4500)] == [5000, 4500]
    assert bounded.checkAndGetNextWatermark(4500, 4500) is None
    assert bounded.getCurrentWatermark() == 3999


@pytest.mark.parametrize("given", [Ascending(), lambda value: value])
def test_ascending_timestamps_leave_room_for_equal_ones(env: Any, words: Any, given: Any) -> None:
    ascending = assigner(env, words, given)
    ascending.extractTimestamp(5000, None)
    assert ascending.getCurrentWatermark() == 4999


def test_a_periodic_assigner_is_asked_for_the_present_watermark(env: Any, words: Any) -> None:
    periodic = assigner(env, words, Periodic())
    assert periodic.getCurrentWatermark() is None
    assert periodic.extractTimestamp(5000, None) == 5000
    assert periodic.getCurrentWatermark() == 4900
    assert periodic.checkAndGetNextWatermark(5000, 5000) is None


def test_a_punctuated_assigner_is_asked_after_each_record(env: Any, words: Any) -> None:
    punctuated = assigner(env, words, Punctuated())
    assert punctuated.extractTimestamp(5, 3) == 3
    assert [punctuated.checkAndGetNextWatermark(value, value) for value in (4, 5)] == [4, None]
    assert punctuated.getCurrentWatermark() is None


def test_the_operator_bears_the_users_name(env: Any, words: Any) -> None:
    words.assign_timestamps_and_watermarks(Bounded(5))
    assert env.graph.nodes[-1].name == "Timestamps: Bounded"


def test_a_timestamp_is_a_whole_number_of_ms(env: Any, words: Any) -> None:
    extract = assigner(env, words, Bounded(0))
    with pytest.raises(TypeError, match=r"int of ms since the epoch, not the float 1\.5"):
        extract.extractTimestamp(1.5, None)


@pytest.mark.parametrize("given", [NoWatermark(), Bounded, BoundedOutOfOrdernessTimestampExtractor(5), 5])
def test_an_assigner_without_its_methods_is_refused(words: Any, given: Any) -> None:
    with pytest.raises(InvalidProgramException):
        words.assign_timestamps_and_watermarks(given)
