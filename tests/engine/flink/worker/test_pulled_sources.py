"""A source that advances event time when its records are processed does so while results can still be emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_flink import FakeCluster
from launched import Jobs

from stream_engine.api.time import Time, TimeCharacteristic
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.operators.snapshot import OperatorSnapshot
from stream_engine.task.timed_records import TimedRecords

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = 5_000


class Reader:
    """Gives numbers with their times; each ten of them complete a window."""

    def __init__(self, subtask: Any) -> None:
        self._subtask = subtask
        self._next = self._settled = 0

    def read(self, limit: int) -> Sequence[Any] | None:
        self.settle()
        if self._next == SIZE:
            return None
        numbers = range(self._next, self._next + 10)
        self._next = numbers.stop
        return TimedRecords((number, number) for number in numbers)

    def settle(self) -> None:
        if self._settled != self._next:
            self._settled = self._next
            self._subtask.advance(self._next - 1)

    def progress(self) -> None: ...

    def close(self) -> None: ...

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        self.settle()
        return OperatorSnapshot(own={"next": self._next})

    def restore(self, state: Any) -> None:
        self._next = self._settled = state.own["next"]


@pytest.mark.parametrize("seed", range(3))
def test_windows_that_a_pulled_source_completes_are_not_lost_in_a_crash(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, short_turns: None, seed: int
) -> None:
    monkeypatch.setattr("stream_engine.flink.worker.sources.pull_source", lambda subtask, splits, wake: Reader(subtask))
    jobs = Jobs(FlinkExecutor(FakeCluster(seed, crashes=6, spell=12)), capfd)

    env = jobs.environment(execution__checkpointing__interval="1 s")
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    pairs = env.generate_sequence(1, 1).map(lambda number: ("all", number))
    windows = pairs.key_by(lambda pair: pair[0]).time_window(Time.milliseconds(10))
    windows.reduce(lambda one, other: ("all", other[1])).output()

    assert jobs.lines(env) == sorted(f"('all', {number})" for number in range(9, SIZE, 10))
