"""Stands in for the Monitor of a job that nobody watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.job import JobExecutionException


class NullMonitor:
    """Has the methods of a Monitor, and shows nothing."""

    watching = False

    def on_report(self, payload: bytes) -> None:
        """A worker's Meter has sent a report."""

    def patience(self, limit: float | None) -> float | None:
        """How long, in seconds, the coordinator may sleep, at most ``limit`` (None: without end)."""
        return limit

    def tick(self) -> None:
        """Called now and then while the job runs, even if no worker reports."""

    def started(self) -> None:
        """The job runs."""

    def subtasks_failed(self, worker: int, task: int | None = None) -> None:
        """The job fails because of the worker's subtask of ``task``; None: because of all its subtasks."""

    def restarting(self, error: JobExecutionException) -> None:
        """The job has failed, and will run again."""

    def finished(self) -> None:
        """The job has finished."""

    def failed(self, error: JobExecutionException) -> None:
        """The job has failed, or was cancelled."""

    def checkpoint_begun(self, number: int, savepoint: bool) -> None:
        """A checkpoint, or a savepoint, is being taken."""

    def checkpoint_completed(self, number: int, size: int) -> None:
        """The checkpoint is complete, and has ``size`` bytes."""

    def checkpoint_failed(self, number: int) -> None:
        """The checkpoint was given up. May be called again."""
