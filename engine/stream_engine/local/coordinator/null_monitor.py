"""What stands in the coordinator where a job would be shown if somebody watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.job import JobExecutionException


class NullMonitor:
    """In place of the coordinator's Monitor."""

    watching = False

    def on_report(self, payload: bytes) -> None:
        """What a worker's Meter has sent."""

    def patience(self, limit: float | None) -> float | None:
        """How long, in seconds, the coordinator may sleep that would sleep for ``limit`` (None: without end)."""
        return limit

    def tick(self) -> None:
        """Called now and then while the job runs. Time passes also where no worker reports."""

    def started(self) -> None:
        """The job runs."""

    def subtasks_failed(self, worker: int, task: int | None = None) -> None:
        """The job fails because of the worker's subtask of ``task``; None: because of all its subtasks."""

    def restarting(self, error: JobExecutionException) -> None:
        """The job has failed, and will run again."""

    def finished(self) -> None:
        """The job has come to its end."""

    def failed(self, error: JobExecutionException) -> None:
        """The job has failed, or was cancelled."""

    def checkpoint_begun(self, number: int, savepoint: bool) -> None:
        """A checkpoint, or a savepoint, is being taken."""

    def checkpoint_completed(self, number: int, size: int) -> None:
        """It is kept, in ``size`` bytes."""

    def checkpoint_failed(self, number: int) -> None:
        """It was given up. May be called again."""
