"""Merges the reports of the workers into one status of the job, and hands it to observers."""

from __future__ import annotations

import pickle
from time import monotonic, time
from typing import TYPE_CHECKING, Literal

from stream_engine.graph.specs import ClientSource
from stream_engine.job import JobCancelledException
from stream_engine.local.null_monitor import NullMonitor
from stream_engine.status import CheckpointStatus, JobStatus, Progress, SubtaskStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.job import JobExecutionException
    from stream_engine.status import Observer, State

# Seconds between two statuses of a running job.
_INTERVAL = 0.5
# How many checkpoints are listed; older ones are only counted.
_CHECKPOINTS = 50


class Monitor(NullMonitor):
    """The status of one job, for ``observers``."""

    watching = True

    def __init__(
        self, job_id: str, name: str, graph: JobGraph, observers: Sequence[Observer], checkpoint_interval: int = 0
    ) -> None:
        self._observers = observers
        self._subtasks = _unbegun(graph)
        # By task and subtask.
        self._failed: set[tuple[int, int]] = set()
        self._told_at = 0.0
        now = int(time() * 1000)
        self._status = JobStatus(job_id, name, "CREATED", now, now, graph, (), checkpoint_interval=checkpoint_interval)

    def on_report(self, payload: bytes) -> None:
        reported: dict[int, SubtaskStatus] = pickle.loads(payload)
        for task, subtask in reported.items():
            self._subtasks[task][subtask.subtask] = subtask

    def patience(self, limit: float | None) -> float | None:
        left = max(0.0, self._told_at + _INTERVAL - monotonic())
        return left if limit is None else min(limit, left)

    def tick(self) -> None:
        if monotonic() - self._told_at >= _INTERVAL:
            self._tell()

    def started(self) -> None:
        self._change("RUNNING")

    def subtasks_failed(self, worker: int, task: int | None = None) -> None:
        for each in self._status.graph.tasks:
            if worker < each.parallelism and task in (None, each.id):
                self._failed.add((each.id, worker))

    def restarting(self, error: JobExecutionException) -> None:
        # New workers count anew, from what the checkpoint has.
        self._subtasks = _unbegun(self._status.graph)
        self._failed.clear()
        self._status = self._status._replace(restarts=self._status.restarts + 1)
        self._change("RESTARTING", str(error))

    def finished(self) -> None:
        self._change("FINISHED")

    def failed(self, error: JobExecutionException) -> None:
        if isinstance(error, JobCancelledException):
            self._change("CANCELED")
        else:
            self._change("FAILED", str(error))

    def checkpoint_begun(self, number: int, savepoint: bool) -> None:
        known, (completed, failed) = self._status.checkpoints, self._status.older_checkpoints
        if len(known) == _CHECKPOINTS:
            completed += known[0].state == "COMPLETED"
            failed += known[0].state == "FAILED"
            known = known[1:]
        begun = CheckpointStatus(number, "IN_PROGRESS", int(time() * 1000), savepoint=savepoint)
        self._status = self._status._replace(checkpoints=(*known, begun), older_checkpoints=(completed, failed))

    def checkpoint_completed(self, number: int, size: int) -> None:
        self._end_checkpoint(number, "COMPLETED", size)

    def checkpoint_failed(self, number: int) -> None:
        self._end_checkpoint(number, "FAILED", None)

    def _end_checkpoint(self, number: int, state: Literal["COMPLETED", "FAILED"], size: int | None) -> None:
        *known, last = self._status.checkpoints or (None,)
        if last is None or last.id != number or last.state != "IN_PROGRESS":
            return
        ended = last._replace(state=state, duration=int(time() * 1000) - last.started, size=size)
        self._status = self._status._replace(checkpoints=(*known, ended))
        self._tell()

    def _change(self, state: State, error: str | None = None) -> None:
        self._status = self._status._replace(state=state, error=error or self._status.error)
        self._tell()

    def _tell(self) -> None:
        self._told_at = monotonic()
        tasks = tuple(
            TaskStatus(task, self._subtasks_of(task), self._known_progress(task)) for task in self._status.graph.tasks
        )
        self._status = self._status._replace(time=int(time() * 1000), tasks=tasks)
        for observer in self._observers:
            observer.on_status(self._status)

    def _subtasks_of(self, task: Task) -> tuple[SubtaskStatus, ...]:
        subtasks = self._subtasks[task.id]
        if not self._failed:
            return tuple(subtasks)
        # A worker still reports after its failure.
        return tuple(each._replace(failed=(task.id, each.subtask) in self._failed) for each in subtasks)

    def _known_progress(self, task: Task) -> Progress | None:
        """The progress of a client source, if its size is known, as that of a range."""
        operator = task.head.operator
        if not isinstance(operator, ClientSource):
            return None
        try:
            size = len(operator.iterable)  # pyright: ignore[reportArgumentType]
        except Exception:
            # It has no length, or raises in its own code for it.
            return None
        return Progress(self._subtasks[task.id][0].records_in, size, "records")


def _unbegun(graph: JobGraph) -> dict[int, list[SubtaskStatus]]:
    return {task.id: [SubtaskStatus(index) for index in range(task.parallelism)] for task in graph.tasks}
