"""Event time of a source whose input is divided: each part has a watermark, and the slowest one counts."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import IDLE_TIMEOUT, WATERMARK_INTERVAL
from stream_engine.operators.function_state import method_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from stream_engine.graph.functions import UserFunction
    from stream_engine.task.subtask import Subtask


class PartTime:
    """One part's assigner, and how far it has come. Times in ms."""

    def __init__(self, assigner: Any, now: int) -> None:
        self.extract: Callable[[Any, int | None], int] = assigner.extractTimestamp
        self.check: Callable[[Any, int], int | None] = assigner.checkAndGetNextWatermark
        self.current: Callable[[], int | None] = assigner.getCurrentWatermark
        self.assigner = assigner
        self.watermark: int | None = None
        self.idle = False
        # Set by whoever takes a record of it.
        self.busy = False
        self.busy_at = now

    def advance(self, time: int | None) -> bool:
        """Whether its watermark has become a later one."""
        if time is None or (self.watermark is not None and time <= self.watermark):
            return False
        self.watermark = time
        return True


class PartitionTimes:
    """The parts of the source at the head of ``subtask``, whose event time is that of the slowest part.

    A part that has given no record for ``pipeline.idle-timeout`` is idle if ``drained(part)`` says that there is none
    to read: it is not waited for until it has a record again. One that is merely slow is.
    """

    def __init__(self, assigner: UserFunction, subtask: Subtask, drained: Callable[[Any], bool]) -> None:
        self._assigner = assigner
        self._subtask = subtask
        self._drained = drained
        self._parts: dict[Hashable, PartTime] = {}
        self._restored: dict[Hashable, tuple[int | None, Any]] = {}
        self._interval: int = subtask.configuration.get(WATERMARK_INTERVAL)
        self._patience: int = subtask.configuration.get(IDLE_TIMEOUT)
        self._all_idle = False

    def start(self) -> None:
        if self._interval > 0:
            self._later()

    def of(self, part: Hashable) -> PartTime:
        """The time of ``part``; one that is new holds event time from now on."""
        found = self._parts.get(part)
        if found is None:
            found = self._parts[part] = PartTime(self._assigner.load(), self._subtask.now())
            if part in self._restored:
                found.watermark, state = self._restored.pop(part)
                restore = method_of(found.assigner, "restore_state", "restoreState")
                if restore is not None and state is not None:
                    restore(state)
        return found

    def settle(self) -> None:
        """Takes the event time of the slowest part through the chain. The subtask is between two records."""
        if not self._parts:
            # Its parts are not known yet, and theirs may be the earliest records of all.
            return
        awaited = [part.watermark for part in self._parts.values() if not part.idle]
        if awaited:
            self._all_idle = False
            known = [time for time in awaited if time is not None]
            if len(known) == len(awaited):
                self._subtask.advance(min(known))
        elif not self._all_idle:
            self._all_idle = True
            # As in Flink: nobody holds time back any more, so it is that of the part that has come furthest.
            known = [part.watermark for part in self._parts.values() if part.watermark is not None]
            self._subtask.advance(max(known, default=-inf))
            self._subtask.chain.watermarks.idle(self._subtask.task.head.id)

    def snapshot(self) -> dict[Hashable, tuple[int | None, Any]]:
        """By part: its watermark, and what its assigner remembers."""
        state: dict[Hashable, tuple[int | None, Any]] = dict(self._restored)
        for name, part in self._parts.items():
            take = method_of(part.assigner, "snapshot_state", "snapshotState")
            state[name] = part.watermark, take() if take is not None else None
        return state

    def restore(self, state: dict[Hashable, tuple[int | None, Any]]) -> None:
        self._restored.update(state)

    def _later(self) -> None:
        head = self._subtask.task.head.id
        self._subtask.schedule_for(head, self._subtask.now() + self._interval, self._tick)

    def _tick(self) -> None:
        now = self._subtask.now()
        for name, part in self._parts.items():
            if part.busy:
                part.busy, part.idle, part.busy_at = False, False, now
            elif not part.idle and now - part.busy_at >= self._patience > 0 and self._drained(name):
                part.idle = True
            if not part.idle:
                part.advance(part.current())
        self.settle()
        self._later()
