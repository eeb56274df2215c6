"""Finds out when a loop ends: its inputs have ended, and no record is left in it, in a worker or between two.

Each worker that has nothing left to do in a loop reports how many of the loop's frames it has sent and received. When
all have, and as many were received as sent, the coordinator asks once more. If every answer is the same as the report
before, then nothing happened in between, so at that moment no frame was in transit and no worker had work: the loop is
empty, and stays so. (Mattern's four counters; one round would not do, as reports are made at different times.)
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Protocol

from stream_engine.graph.specs import IterationHead
from stream_engine.wire.messages import Counts, Kind, packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.task.subtask import Subtask


class LoopControl(Protocol):
    """The receiver of a monitor's reports."""

    def send(self, kind: int, exchange: int, payload: bytes) -> None:
        """Takes a report (``kind``) of the loop with the id ``exchange``."""
        ...


class LoopMonitor:
    """The worker's side of one loop (of JobGraph.loops)."""

    def __init__(self, identifier: int, graph: JobGraph, subtasks: Sequence[Subtask], control: LoopControl) -> None:
        tasks = graph.loops[identifier]
        self.id = identifier
        self.subtasks = [subtask for subtask in subtasks if subtask.task.id in tasks]
        self.exchanges = {
            exchange.id
            for exchange in graph.exchanges
            if exchange.source_task in tasks and exchange.target_task in tasks
        }
        self.sent = 0
        self.received = 0
        self._control = control
        self._reported: Counts | None = None
        self._probed = False
        heads = [subtask.task.head.operator for subtask in self.subtasks]
        # The shortest max_wait of the loops in it; 0: none has one.
        self._max_wait = min((h.max_wait for h in heads if isinstance(h, IterationHead) and h.max_wait), default=0)
        self._idle_since: int | None = None
        self._last_counts = Counts(0, 0)

    def on_probe(self) -> None:
        self._probed = True

    def report(self, now: int) -> None:
        """Called whenever the worker has nothing to do and all buffers are flushed; ``now`` in ms."""
        counts = Counts(self.sent, self.received)
        if self._last_counts != counts or self._idle_since is None:
            self._last_counts, self._idle_since = counts, now
        quiet = self._is_quiet(now - self._idle_since)
        if self._probed:
            self._probed = False
            self._reported = counts if quiet else None
            self._control.send(Kind.LOOP_PROBE, self.id, packed(self._reported))
        elif quiet and counts != self._reported:
            self._reported = counts
            self._control.send(Kind.LOOP_REPORT, self.id, packed(counts))

    @property
    def deadline(self) -> float:
        """When, in ms since the epoch, the wait for open windows in the loop is over; inf: it has no limit now."""
        if not self._max_wait or self._idle_since is None or self._reported is not None:
            return inf
        return self._idle_since + self._max_wait

    def busy(self) -> None:
        """The worker has work again, of this loop or another."""
        self._idle_since = None

    def end(self) -> bool:
        """The loop is empty everywhere: tells its heads. Returns whether they could be told now."""
        if any(subtask.paused for subtask in self.subtasks):
            return False
        for subtask in self.subtasks:
            subtask.on_loop_end()
        return True

    def _is_quiet(self, idle: int) -> bool:
        """Whether this worker's part of the loop stays empty unless another worker sends something."""
        if any(subtask.inputs.outside or subtask.has_input for subtask in self.subtasks):
            return False
        # An open window will feed records back when it fires, but the script may have limited the wait for it.
        return not any(subtask.pending for subtask in self.subtasks) or 0 < self._max_wait <= idle


class LoopMonitors:
    """The monitors of the loops that a worker's ``subtasks`` take part in."""

    def __init__(self, graph: JobGraph, subtasks: Sequence[Subtask], control: LoopControl) -> None:
        monitors = (LoopMonitor(i, graph, subtasks, control) for i in range(len(graph.loops)))
        self.by_id = {monitor.id: monitor for monitor in monitors if monitor.subtasks}
        self.by_exchange = {exchange: monitor for monitor in self.by_id.values() for exchange in monitor.exchanges}

    def __bool__(self) -> bool:
        return bool(self.by_id)

    def tend(self, busy: bool, now: int) -> None:
        """Reports the loops at ``now``, where the worker has nothing to do."""
        for monitor in self.by_id.values():
            if busy:
                monitor.busy()
            else:
                monitor.report(now)

    @property
    def deadline(self) -> float:
        """When, in ms since the epoch, the first wait of a loop is over; inf: none has a limit now."""
        return min((monitor.deadline for monitor in self.by_id.values()), default=inf)
