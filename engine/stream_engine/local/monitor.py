"""The coordinator's side of watching a job: folds the workers' reports into one status, and hands it on."""

from __future__ import annotations

import pickle
from dataclasses import replace
from time import monotonic, time
from typing import TYPE_CHECKING

from stream_engine.graph.operators import FedSource
from stream_engine.job import JobCancelledException
from stream_engine.status import JobStatus, Progress, SubtaskStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.job import JobExecutionException
    from stream_engine.status import Observer, State

# Seconds between two statuses of a running job.
_INTERVAL = 0.25


class Monitor:
    """The status of one job, told to ``observers``; with none, nothing is measured."""

    def __init__(self, job_id: str, name: str, graph: JobGraph, observers: Sequence[Observer]) -> None:
        self._observers = observers
        self._subtasks = {task.id: [SubtaskStatus(i) for i in range(task.parallelism)] for task in graph.tasks}
        self._told_at = 0.0
        now = int(time() * 1000)
        self._status = JobStatus(job_id, name, "CREATED", now, now, graph, ())

    @property
    def watching(self) -> bool:
        return bool(self._observers)

    def on_report(self, payload: bytes) -> None:
        """What a worker's Meter has sent."""
        reported: dict[int, SubtaskStatus] = pickle.loads(payload)
        for task, subtask in reported.items():
            self._subtasks[task][subtask.index] = subtask

    def patience(self, limit: float | None) -> float | None:
        """How long, in seconds, the coordinator may sleep that would sleep for ``limit`` (None: for ever)."""
        if not self._observers:
            return limit
        return _INTERVAL if limit is None else min(limit, _INTERVAL)

    def tick(self) -> None:
        """Called now and then while the job runs. Time passes also where no worker reports."""
        if self._observers and monotonic() - self._told_at >= _INTERVAL:
            self._tell()

    def started(self) -> None:
        self._change("RUNNING")

    def finished(self) -> None:
        self._change("FINISHED")

    def failed(self, error: JobExecutionException) -> None:
        """The job has failed, or was cancelled."""
        if isinstance(error, JobCancelledException):
            self._change("CANCELED")
        else:
            self._change("FAILED", str(error))

    def _change(self, state: State, error: str | None = None) -> None:
        self._status = replace(self._status, state=state, error=error or self._status.error)
        self._tell()

    def _tell(self) -> None:
        if not self._observers:
            return
        self._told_at = monotonic()
        tasks = tuple(
            TaskStatus(task, tuple(self._subtasks[task.id]), self._known_progress(task))
            for task in self._status.graph.tasks
        )
        self._status = replace(self._status, time=int(time() * 1000), tasks=tasks)
        for observer in self._observers:
            observer.on_status(self._status)

    def _known_progress(self, task: Task) -> Progress | None:
        """Of a source that is read in this process, where its size is known: a range, for example."""
        operator = task.head.operator
        if not isinstance(operator, FedSource):
            return None
        try:
            size = len(operator.iterable)  # pyright: ignore[reportArgumentType]
        except (TypeError, OverflowError):
            return None
        return Progress(self._subtasks[task.id][0].records_in, size, "records")
