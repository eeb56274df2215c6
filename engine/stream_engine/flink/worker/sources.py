"""How a source is driven where nobody but Flink calls: it reads, or its ``run`` works, for a while at a time."""

from __future__ import annotations

from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.flink.worker.turns import SourceThread
from stream_engine.graph.specs import PUSHING_SOURCES
from stream_engine.task.source_functions import PushingFunction
from stream_engine.task.sources import SettlingSource, pull_source, restore_source, source_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.task.subtask import Subtask

# How many seconds a source's ``run`` works until what it has collected is handed on.
_SPELL = 0.05
# How many seconds a source that is cancelled may take to return.
_PATIENCE = 1.5
# How many seconds a reader without records is waited for, until timers are looked at.
_LONGEST_WAIT = 0.01


class Source(Protocol):
    """The source of one subtask."""

    def open(self) -> None: ...

    def advance(self, seconds: float | None, progressed: Callable[[], bool]) -> bool:
        """Takes records through the chain for so long, or to the end (None); whether it has come to that.

        ``progressed`` is called between two records; it stops the work when it gives False.
        """
        ...

    def progress(self) -> tuple[int, int] | None:
        """How much has been read, and of how much; None: nobody knows."""
        ...

    def settle(self) -> bool:
        """Emits what has to be before a ``snapshot``, for a short while; whether that is done."""
        ...

    def snapshot(self) -> OperatorSnapshot:
        """Just what has been collected; emits nothing. To be called when it has been settled."""
        ...

    def restore(self, state: RestoredState) -> None: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class PulledSource:
    """One that is asked for records."""

    def __init__(self, subtask: Subtask, splits: dict[int, Any]) -> None:
        self._subtask = subtask
        # Set, by any thread, when a reader that had nothing may have records again.
        self._awoken = Event()
        self._reader = pull_source(subtask, splits, self._awoken.set)

    def open(self) -> None:
        """It was when it was made."""

    def advance(self, seconds: float | None, progressed: Callable[[], bool]) -> bool:
        subtask, reader = self._subtask, self._reader
        until = None if seconds is None else monotonic() + seconds
        while True:
            self._awoken.clear()
            records = reader.read(subtask.batch.records)
            if records is None:
                return True
            if records:
                subtask.process_source(records)
            else:
                self._awoken.wait(_LONGEST_WAIT)
            if not progressed() or (until is not None and monotonic() >= until):
                return False

    def progress(self) -> tuple[int, int] | None:
        return self._reader.progress()

    def settle(self) -> bool:
        if isinstance(self._reader, SettlingSource):
            self._reader.settle()
        return True

    def snapshot(self) -> OperatorSnapshot:
        return source_snapshot(self._reader, 0)

    def restore(self, state: RestoredState) -> None:
        restore_source(self._reader, state)

    def cancel(self) -> None:
        """Nothing of it runs between two calls."""

    def close(self) -> None:
        self._reader.close()


class PushingSource:
    """One whose ``run`` collects records, in a thread of its own."""

    def __init__(self, subtask: Subtask, timestamped: bool, checkpointed: bool) -> None:
        self._function = PushingFunction(subtask, timestamped)
        keeps_state = checkpointed and self._function.has_state
        self._thread = SourceThread(self._function, subtask.task.head.name, keeps_state)

    def open(self) -> None:
        self._function.open()

    def advance(self, seconds: float | None, progressed: Callable[[], bool]) -> bool:
        thread = self._thread
        while True:
            thread.let(_SPELL if seconds is None else seconds)
            if thread.error is not None:
                raise thread.error
            if thread.done:
                return True
            if not progressed() or seconds is not None:
                return False

    def progress(self) -> None:
        """It has no known end."""

    def settle(self) -> bool:
        settled = self._thread.settle(_SPELL)
        if self._thread.error is not None:
            raise self._thread.error
        return settled

    def snapshot(self) -> OperatorSnapshot:
        self._thread.rest()
        return self._function.snapshot()

    def restore(self, state: RestoredState) -> None:
        self._function.restore(state)

    def cancel(self) -> None:
        self._thread.cancel(_PATIENCE)

    def close(self) -> None:
        self._function.close()


def source_of(subtask: Subtask, splits: dict[int, Any], timestamped: bool, checkpointed: bool) -> Source | None:
    """The source at the head of a subtask, if it begins with one."""
    head = subtask.task.head
    if not head.is_source:
        return None
    if isinstance(head.operator, PUSHING_SOURCES):
        return PushingSource(subtask, timestamped, checkpointed)
    return PulledSource(subtask, splits)
