from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from stream_engine.api.assigners import assigner_of
from stream_engine.api.watermarks import AscendingTimestampExtractor
from stream_engine.configuration import Configuration
from stream_engine.task.partition_times import PartitionTimes

if TYPE_CHECKING:
    from collections.abc import Callable


class Time(AscendingTimestampExtractor):
    def extractAscendingTimestamp(self, value: int) -> int:
        return value


class Source:
    """A subtask that keeps what it is told: ``told`` has event times, and ``idle``. Its clock is turned by hand."""

    def __init__(self) -> None:
        self.configuration = Configuration({"pipeline.idle-timeout": "1 s", "pipeline.auto-watermark-interval": "1 s"})
        self.told: list[object] = []
        self.drained: set[str] = set()
        self.task = SimpleNamespace(head=SimpleNamespace(id=0))
        self.chain = SimpleNamespace(watermarks=SimpleNamespace(idle=lambda operator: self.told.append("idle")))
        self._time = 0
        self._timers: list[tuple[int, Callable[[], None]]] = []
        subtask: Any = self
        self.times = PartitionTimes(assigner_of(Time()), subtask, self.drained.__contains__)
        self.times.start()

    def now(self) -> int:
        return self._time

    def schedule_for(self, operator: int, time: int, call: Callable[[], None]) -> None:
        self._timers.append((time, call))

    def advance(self, time: float) -> None:
        self.told.append(time)

    def wait(self, seconds: int) -> list[object]:
        """What it is told meanwhile."""
        self.told.clear()
        for _ in range(seconds):
            self._time += 1000
            due = [call for time, call in self._timers if time <= self._time]
            self._timers = [timer for timer in self._timers if timer[0] > self._time]
            for call in due:
                call()
        return list(dict.fromkeys(self.told))

    def read(self, part: str, time: int) -> None:
        found = self.times.of(part)
        found.busy, found.idle = True, False
        found.extract(time, None)


def test_a_source_that_does_not_know_its_parts_yet_is_not_idle() -> None:
    source = Source()
    assert source.wait(5) == []


def test_event_time_is_that_of_the_slowest_part() -> None:
    source = Source()
    source.times.of("unread")
    source.read("slow", 500)
    source.read("fast", 9000)
    assert source.wait(3) == []
    source.read("unread", 7000)
    assert source.wait(1) == [499]
    source.read("slow", 8000)
    assert source.wait(1) == [6999]


def test_a_part_without_records_is_idle_only_when_all_of_it_was_read() -> None:
    source = Source()
    source.read("slow", 500)
    source.read("fast", 9000)
    source.drained.add("fast")
    assert source.wait(5) == [499]
    source.drained.add("slow")
    # Nobody holds time back, so it is that of the part that has come furthest
    assert source.wait(5) == [8999, "idle"]
    # A record ends that
    source.read("slow", 9500)
    assert source.wait(1) == [9499]
