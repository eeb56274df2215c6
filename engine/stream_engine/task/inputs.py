"""The channels into a subtask: which of them have ended, and the event time of each.

The event time of the subtask is that of its slowest channel: ``Inputs.watermark``.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from stream_engine.graph.partitioners import Forward
from stream_engine.graph.specs import IterationHead

if TYPE_CHECKING:
    from collections.abc import Collection

    from stream_engine.graph.job_graph import Exchange, JobGraph, Task
    from stream_engine.task.host import Channel

    # The open channels, their marks, and their watermarks.
    Progress = tuple[set[Channel], dict[Channel, float], dict[Channel, float]]


class Inputs:
    """The channels into subtask ``index`` of a task. All times are in ms; -inf: there is none yet.

    ``open`` has the channels that have not ended. ``feedback`` has those that bring records back to the head of a loop;
    nobody waits for them to end. Instead, ``loop`` tells whether a loop begins here that may still have records: it
    counts as one more input.
    """

    def __init__(self, graph: JobGraph, task: Task, index: int) -> None:
        def channels(exchange: Exchange) -> list[Channel]:
            if isinstance(exchange.partitioner, Forward):
                return [(exchange.id, index)]
            return [(exchange.id, sender) for sender in range(graph.tasks[exchange.source_task].parallelism)]

        exchanges, inside = graph.inputs(task.id), graph.loop_of(task.id)
        self.open = {channel for each in exchanges if not each.feedback for channel in channels(each)}
        self.feedback = {channel for each in exchanges if each.feedback for channel in channels(each)}
        self.loop = isinstance(task.head.operator, IterationHead)
        self._outside = {each.id for each in exchanges if each.source_task not in inside}
        self._marks: dict[Channel, float] = dict.fromkeys(self.open, -inf)
        # Only of channels that are neither idle nor at their end.
        self._watermarks: dict[Channel, float] = dict.fromkeys(self.open, -inf)

    @property
    def ended(self) -> bool:
        """Whether no further record can come."""
        return not (self.open or self.loop)

    @property
    def outside(self) -> bool:
        """Whether records may still come from outside the loop that the subtask is in."""
        return self.any_open(self._outside)

    def any_open(self, exchanges: Collection[int]) -> bool:
        """Whether a channel of one of ``exchanges`` has not ended."""
        return any(exchange in exchanges for exchange, _ in self.open)

    @property
    def mark(self) -> float:
        """The time up to which all senders have emitted their results."""
        return min(self._marks.values())

    @property
    def watermark(self) -> float:
        """The subtask's event time: that of its slowest channel; -inf also if every channel is idle or has ended."""
        return min(self._watermarks.values(), default=-inf)

    def on_mark(self, channel: Channel, time: float) -> float:
        """Notes that the sender of ``channel`` has emitted its results up to ``time``; returns ``mark``."""
        self._marks[channel] = time
        return self.mark

    def on_watermark(self, channel: Channel, time: float) -> float:
        """Notes that the event time of ``channel`` is ``time``; returns ``watermark``."""
        self._watermarks[channel] = time
        return min(self._watermarks.values())

    def on_idle(self, channel: Channel) -> bool:
        """Stops waiting for the time of ``channel`` until its next watermark. Returns whether all are idle now."""
        self._watermarks.pop(channel, None)
        return not self._watermarks

    def on_end(self, channel: Channel) -> None:
        """Notes that ``channel`` has ended: time no longer waits for it."""
        self.open.discard(channel)
        self._marks[channel] = inf
        self._watermarks.pop(channel, None)

    def progress(self) -> Progress:
        """How far all channels have come, to be pickled at once."""
        return self.open, self._marks, self._watermarks

    def resume(self, progress: Progress) -> None:
        """Goes on from what ``progress`` gave."""
        self.open, self._marks, self._watermarks = progress
