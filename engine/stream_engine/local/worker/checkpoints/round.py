"""A worker's part of checkpoints: when its subtasks take their state, and which of them have to wait.

A subtask hands records to another one of its worker by calling it, so no queue can hold records between the two. If
the receiver still waits for barriers, its sender has to wait instead, and so has whoever calls the sender. All of these
have passed the barrier on already, so the checkpoint does not need them, and there cannot be a circle of waiting.

For the same reason a subtask that has passed a barrier does not wait for credits in the middle of a record: the
receiver may grant none before it has all barriers, and the one missing may be that of a subtask in this worker. It
sends without credit, and waits as a whole until it has some again or the checkpoint is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.local.worker.checkpoints.alignment import BarrierAlignment
from stream_engine.local.worker.push_source import PushSource
from stream_engine.task.sources import CommittingSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream_engine.local.worker.checkpoints.writer import Encoded, SnapshotWriter
    from stream_engine.local.worker.exchange_writer import ExchangeWriter
    from stream_engine.task.sources import Reader
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.messages import CheckpointOrder


class Checkpoints:
    """The checkpoints of one worker, whose ``subtasks`` are given last first. Only one is taken at a time.

    ``order`` is the running one, ``triggered`` the last one for which this worker got a TRIGGER; barriers of other
    workers may come before it. ``on_change`` is called when the set of waiting subtasks changes.
    """

    def __init__(
        self,
        subtasks: Sequence[Subtask],
        writer: SnapshotWriter,
        exactly_once: bool,
        on_change: Callable[[], None],
    ) -> None:
        self.exactly_once = exactly_once
        self.order: CheckpointOrder | None = None
        self.triggered = 0
        self._over = 0
        self._subtasks = subtasks
        self._alignments: dict[Subtask, BarrierAlignment] = {}
        self._writer = writer
        self._on_change = on_change
        self._missing: set[Subtask] = set()
        self._encoded: Encoded = {}

    def align(self, subtask: Subtask, exits: Sequence[ExchangeWriter], source: Reader | PushSource | None) -> None:
        """Lets a subtask take part, with an alignment of its barriers."""
        alignment = BarrierAlignment(subtask, exits, source, self)
        self._alignments[subtask] = subtask.alignment = alignment
        if self.exactly_once:
            for writer in exits:
                writer.overdraw(self.update)

    def trigger(self, order: CheckpointOrder) -> None:
        """Begins a checkpoint where no barrier comes from outside: in sources, and in loops whose input has ended."""
        self.triggered = order.number
        if not self.begin(order):
            return
        for subtask in self._subtasks:
            source = self._alignments[subtask].source
            if isinstance(source, PushSource):
                source.at_safe_point(self._alignments[subtask].settle)
            else:
                self._alignments[subtask].settle()

    def begin(self, order: CheckpointOrder) -> bool:
        """Begins the checkpoint, unless it is over already; returns whether it is the running one."""
        if self.order is not None and self.order.number == order.number:
            return True
        if order.number <= self._over:
            return False
        if self.order is not None:
            # The earlier one was given up, as only one is taken at a time; the message about it is still on its way.
            self.end(self.order.number)
        self.order = order
        self._missing = set(self._subtasks)
        for subtask in self._subtasks:
            if subtask.finished:
                self.on_finished(subtask)
        return True

    def on_finished(self, subtask: Subtask) -> None:
        """A subtask has ended before the barrier reached it, now or earlier."""
        if self.order is not None and self._alignments[subtask].passed < self.order.number:
            self.add(subtask, self.order.number, self._alignments[subtask].final_state(self.order.number))

    def add(self, subtask: Subtask, number: int, encoded: Encoded) -> None:
        """Takes the state of a subtask for checkpoint ``number``; writes it with that of the last subtask."""
        if self.order is None or self.order.number != number or subtask not in self._missing:
            return
        self._missing.discard(subtask)
        self._encoded.update(encoded)
        if not self._missing:
            self._writer.write(number, self.order.place, self._encoded)
            self._encoded = {}

    def end(self, number: int, counts: bool = False) -> None:
        """Checkpoint ``number`` ``counts``, or was given up. May be called in the middle of a record."""
        self._over = max(self._over, number)
        if self.order is None or self.order.number > number:
            return
        if counts and self.order.stops:
            # The job ends as it is: results that came now would come once more when it resumes.
            return
        self.order = None
        self._missing, self._encoded = set(), {}
        for subtask in self._subtasks:
            self._alignments[subtask].give_up()
        self.update()

    def on_complete(self, number: int) -> None:
        """Checkpoint ``number`` of the whole job is kept. Called between two records."""
        for subtask in self._subtasks:
            source = self._alignments[subtask].source
            if isinstance(source, CommittingSource) and not subtask.finished:
                source.on_checkpoint_complete(number)
            subtask.on_checkpoint_complete(number)

    def update(self) -> None:
        """Decides anew which subtasks have to wait."""
        changed = False
        for subtask in self._subtasks:
            # The subtasks that it calls come before it.
            paused = self._has_to_wait(subtask)
            changed = changed or paused != subtask.paused
            subtask.pause(paused)
        if changed:
            self._on_change()

    def _has_to_wait(self, subtask: Subtask) -> bool:
        if self.order is None or subtask.finished or not self._has_passed(subtask):
            return False
        if self.order.stops:
            return True
        if not self.exactly_once:
            return False
        return any(
            writer.overdrawn
            or (writer.callee is not None and (writer.callee.paused or not self._has_passed(writer.callee)))
            for writer in self._alignments[subtask].exits
        )

    def _has_passed(self, subtask: Subtask) -> bool:
        assert self.order is not None
        return subtask.finished or self._alignments[subtask].passed >= self.order.number
