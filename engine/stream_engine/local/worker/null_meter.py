"""What stands in a worker where it would measure itself if somebody watched. Nothing here is called for each record."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectors import BaseSelector, SelectorKey

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

    def suspend(self) -> object:
        """The subtask that runs waits for others until ``resume``."""

    def resume(self, before: object) -> None:
        """The wait is over. Takes what ``suspend`` gave."""

    def close(self) -> None:
        """Sends the last report."""
