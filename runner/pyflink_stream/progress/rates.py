"""How fast a job is: the difference between two of its statuses, a while apart."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stream_engine.status import JobStatus, SubtaskStatus

PRESENT, LATELY = 2.5, 20.0
"""Seconds over which rates are averaged; the time left is steadier with the longer window."""


class Rate(NamedTuple):
    """Records and bytes a second, and the shares of time, from 0 to 1, that a subtask was busy and backpressured."""

    records_in: float = 0.0
    records_out: float = 0.0
    bytes_in: float = 0.0
    bytes_out: float = 0.0
    busy: float = 0.0
    backpressured: float = 0.0

    @property
    def idle(self) -> float:
        return max(0.0, 1.0 - self.busy - self.backpressured)


class Rates:
    """The rates of one job over the last ``window`` seconds, or as many as it runs."""

    def __init__(self, window: float) -> None:
        self._window = int(window * 1000)
        self._statuses: deque[JobStatus] = deque()

    def add(self, status: JobStatus) -> None:
        """Adds the next status; with the first one of another job or attempt, rates begin anew."""
        statuses = self._statuses
        if statuses and (statuses[-1].job_id, statuses[-1].restarts) != (status.job_id, status.restarts):
            statuses.clear()
        statuses.append(status)
        while len(statuses) > 2 and statuses[1].time <= status.time - self._window:
            statuses.popleft()

    def subtask(self, task: int, index: int) -> Rate:
        """The current rate of the subtask."""
        if not self._statuses:
            return Rate()
        before, after = (status.tasks[task].subtasks[index] for status in (self._statuses[0], self._statuses[-1]))
        # By the worker's own clock: its reports arrive at irregular times.
        elapsed = _age(after) - _age(before)
        if after.finished or elapsed <= 0:
            return Rate()
        return Rate(
            (after.records_in - before.records_in) * 1000 / elapsed,
            (after.records_out + after.records_written - before.records_out - before.records_written) * 1000 / elapsed,
            (after.bytes_in - before.bytes_in) * 1000 / elapsed,
            (after.bytes_out - before.bytes_out) * 1000 / elapsed,
            (after.busy - before.busy) / elapsed,
            (after.backpressured - before.backpressured) / elapsed,
        )

    def task(self, task: int) -> Rate:
        """The rate of a task: the sums of records and bytes, and the mean shares of the subtasks that still run."""
        subtasks = self._statuses[-1].tasks[task].subtasks if self._statuses else ()
        running = [self.subtask(task, subtask.subtask) for subtask in subtasks if not subtask.finished]
        count = max(1, len(running))
        return Rate(
            sum(rate.records_in for rate in running),
            sum(rate.records_out for rate in running),
            sum(rate.bytes_in for rate in running),
            sum(rate.bytes_out for rate in running),
            sum(rate.busy for rate in running) / count,
            sum(rate.backpressured for rate in running) / count,
        )

    def seconds_left(self, task: int) -> float | None:
        """Seconds until a bounded source ends, at its current rate; None if that is unknown."""
        known = [(status.time, progress) for status in self._statuses if (progress := status.tasks[task].progress)]
        if not known:
            return None
        (start, before), (end, after) = known[0], known[-1]
        if after.done <= before.done or end <= start:
            return None
        return (after.total - after.done) * (end - start) / 1000 / (after.done - before.done)


def _age(subtask: SubtaskStatus) -> int:
    return subtask.busy + subtask.backpressured + subtask.idle
