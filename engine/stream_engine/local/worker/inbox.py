"""Hands the frames of other workers to the subtasks of this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.task.loops import LoopMonitors
from stream_engine.wire.messages import CheckpointOrder, Kind, unpacked
from stream_engine.wire.records import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.worker.exchange_writer import ExchangeWriter
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.connection import Connection
    from stream_engine.wire.messages import Frame


class Inbox:
    """For the ``subtasks``, by task, for their ``writers``, also by task, and for the ``loops`` that they are in.

    ``control`` leads to the coordinator, ``peers`` to the other workers.
    """

    def __init__(
        self,
        graph: JobGraph,
        subtasks: Mapping[int, Subtask],
        writers: Mapping[int, Sequence[ExchangeWriter]],
        control: Connection,
        peers: Mapping[int, Connection],
    ) -> None:
        self._graph = graph
        self._peers = peers
        self._receivers = {
            exchange.id: subtasks[exchange.target_task]
            for exchange in graph.exchanges
            if exchange.target_task in subtasks
        }
        self._writers = {writer.exchange.id: writer for each in writers.values() for writer in each}
        self.loops = LoopMonitors(graph, list(subtasks.values()), control)
        # Records of a feedback edge go into the loop's own queue, ahead of other input.
        self._on_fed_back: dict[int, Callable[[Subtask, int, Frame], None]] = {
            Kind.DATA: self._on_records,
            Kind.BARRIER: self._on_barrier,
            Kind.END: self._on_end,
        }
        for writer in self._writers.values():
            writer.loop = self.loops.by_exchange.get(writer.exchange.id)
            if writer.exchange.feedback and writer.exchange.target_task in subtasks:
                writer.connect(subtasks[writer.exchange.target_task])

    def on_frame(self, sender: int, frame: Frame) -> None:
        """Takes in a frame of another worker."""
        if frame.kind == Kind.CREDIT:
            self._writers[frame.exchange].grant(sender)
            return
        loop = self.loops.by_exchange.get(frame.exchange)
        if loop is not None and frame.kind == Kind.DATA:
            loop.received += 1
        receiver = self._receivers[frame.exchange]
        if self._graph.exchanges[frame.exchange].feedback:
            self._on_fed_back[frame.kind](receiver, sender, frame)
        else:
            receiver.receive(sender, frame)

    def _on_records(self, receiver: Subtask, sender: int, frame: Frame) -> None:
        receiver.feed_back(frame.exchange, sender, unpack(frame.payload))
        self._peers[sender].send(Kind.CREDIT, frame.exchange)

    def _on_barrier(self, receiver: Subtask, sender: int, frame: Frame) -> None:
        receiver.on_barrier(frame.exchange, sender, unpacked(frame, CheckpointOrder))

    def _on_end(self, receiver: Subtask, sender: int, frame: Frame) -> None:
        receiver.on_end(frame.exchange, sender)
