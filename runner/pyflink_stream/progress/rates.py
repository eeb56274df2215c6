"""How fast a job is: what has happened between two of its statuses, a while apart."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stream_engine.status import JobStatus, SubtaskStatus

PRESENT, LATELY = 2.5, 20.0
"""Seconds that what people see is a mean over; the time left changes less when it is told by a longer time."""


class Rate(NamedTuple):
    """Of a subtask: records and bytes a second, and the shares of time, from 0 to 1, that it was busy and held up."""

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
        """The next status; of another job, or one that has been restarted, it is the first."""
        statuses = self._statuses
        if statuses and (statuses[-1].job_id, statuses[-1].restarts) != (status.job_id, status.restarts):
            statuses.clear()
        statuses.append(status)
        while len(statuses) > 2 and statuses[1].time <= status.time - self._window:
            statuses.popleft()

    def subtask(self, task: int, index: int) -> Rate:
        """Of the subtask as of now."""
        if not self._statuses:
            return Rate()
        before, after = (status.tasks[task].subtasks[index] for status in (self._statuses[0], self._statuses[-1]))
        # By the worker's own clock: its reports come when they come.
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
        """Of all subtasks: the sum of their records and bytes, and the mean of the shares of those that still run."""
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
        """Until a bounded source is at its end, if it goes on as it did; None when nobody can tell."""
        known = [(status.time, progress) for status in self._statuses if (progress := status.tasks[task].progress)]
        if not known:
            return None
        (start, before), (end, after) = known[0], known[-1]
        if after.done <= before.done or end <= start:
            return None
        return (after.total - after.done) * (end - start) / 1000 / (after.done - before.done)


def _age(subtask: SubtaskStatus) -> int:
    return subtask.busy + subtask.backpressured + subtask.idle
