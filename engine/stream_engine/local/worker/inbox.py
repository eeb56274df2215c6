"""Where the frames of other workers go, among the subtasks of a worker."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from stream_engine.local.worker.exchange_writer import unpack
from stream_engine.task.loops import LoopMonitors
from stream_engine.wire.connection import BARRIER, CREDIT, DATA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.worker.exchange_writer import ExchangeWriter
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.connection import Connection, Frame


class Inbox:
    """To the ``subtasks``, by task, to their ``gates``, also by task, and to the ``loops`` that they take part in.

    ``control`` leads to the coordinator, ``peers`` to the other workers.
    """

    def __init__(
        self,
        graph: JobGraph,
        subtasks: Mapping[int, Subtask],
        gates: Mapping[int, Sequence[ExchangeWriter]],
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
        self._gates = {gate.exchange.id: gate for each in gates.values() for gate in each}
        self.loops = LoopMonitors(graph, list(subtasks.values()), control)
        for gate in self._gates.values():
            gate.loop = self.loops.by_exchange.get(gate.exchange.id)
            if gate.exchange.feedback and gate.exchange.target_task in subtasks:
                gate.connect(subtasks[gate.exchange.target_task])

    def on_frame(self, sender: int, frame: Frame) -> None:
        """Takes in a frame of another worker's."""
        if frame.kind == CREDIT:
            self._gates[frame.exchange].grant(sender)
            return
        loop = self.loops.by_exchange.get(frame.exchange)
        if loop is not None and frame.kind == DATA:
            loop.received += 1
        receiver = self._receivers[frame.exchange]
        if not self._graph.exchanges[frame.exchange].feedback:
            receiver.receive(sender, frame)
        elif frame.kind == DATA:
            receiver.feed_back(frame.exchange, sender, unpack(frame.payload))
            self._peers[sender].send(CREDIT, frame.exchange)
        elif frame.kind == BARRIER:
            receiver.on_barrier(frame.exchange, sender, pickle.loads(frame.payload))
        else:
            receiver.on_end(frame.exchange, sender)
