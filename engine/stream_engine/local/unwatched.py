"""What stands in a worker, and in the coordinator, where a job would be measured and shown if somebody watched.

Nothing here is called for each record, and nothing needs to be imported for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectors import BaseSelector, SelectorKey

    from stream_engine.job import JobExecutionException
    from stream_engine.local.worker.metrics.clock import Suspended
    from stream_engine.task.subtask import Subtask


class NullMeter:
    """In place of a worker's Meter."""

    def run(self, subtask: Subtask) -> None:
        """The work of a subtask begins."""

    def push(self, subtask: Subtask) -> None:
        """A source has taken the turn; called in its own thread."""

    def select(self, selector: BaseSelector, timeout: float | None) -> list[tuple[SelectorKey, int]]:
        """As the selector's own: with a ``timeout`` that is not 0 the worker has nothing to do meanwhile."""
        return selector.select(timeout)

    def suspend(self) -> Suspended | None:
        """The subtask that runs waits for others until ``resume``."""

    def resume(self, before: Suspended | None) -> None:
        """The wait is over. Takes what ``suspend`` gave."""

    def close(self) -> None:
        """Sends the last report."""


class NullMonitor:
    """In place of the coordinator's Monitor."""

    watching = False

    def on_report(self, payload: bytes) -> None:
        """What a worker's Meter has sent."""

    def patience(self, limit: float | None) -> float | None:
        """How long, in seconds, the coordinator may sleep that would sleep for ``limit`` (None: for ever)."""
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
