"""Stands in for the Meter of a worker while nobody watches. Nothing here is called for each record."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectors import BaseSelector, SelectorKey

    from stream_engine.task.subtask import Subtask


class NullMeter:
    """Has the methods of a Meter, and measures nothing."""

    def run(self, subtask: Subtask) -> None:
        """The work of a subtask begins."""

    def push(self, subtask: Subtask) -> None:
        """A source has taken the lock; called in the source's thread."""

    def select(self, selector: BaseSelector, timeout: float | None) -> list[tuple[SelectorKey, int]]:
        """Calls the selector; unless ``timeout`` is 0, the worker has nothing to do meanwhile."""
        return selector.select(timeout)

    def suspend(self) -> object:
        """The subtask that runs waits for others until ``resume``."""

    def resume(self, before: object) -> None:
        """The wait is over. Takes what ``suspend`` returned."""

    def close(self) -> None:
        """Sends the last report."""
