"""What the subtasks of a worker ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.configuration.options import BUFFER_TIMEOUT, OBJECT_REUSE
from stream_engine.local.worker.console import ConsoleWriter
from stream_engine.local.worker.exchange_writer import ExchangeWriter
from stream_engine.local.worker.push_source import guard_of
from stream_engine.local.worker.tables import tables_of
from stream_engine.operators.accumulators import Accumulators
from stream_engine.operators.ownership import Plainness
from stream_engine.task.subtask import Subtask
from stream_engine.task.writers import open_writer
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.specs import Sink
    from stream_engine.local.worker.main_loop import MainLoop
    from stream_engine.local.worker.push_source import SourceGuard
    from stream_engine.local.worker.switchboard import Switchboard
    from stream_engine.operators.operator import Writer
    from stream_engine.operators.tables import Tables
    from stream_engine.task.host import Channel
    from stream_engine.task.ready import Holder
    from stream_engine.task.timers import Owner
    from stream_engine.wire.deployment import Deployment


class WorkerSlot:
    """Slot ``index`` of a job, with a subtask of each task of ``graph`` that is wide enough.

    ``subtasks`` are by task, the last first, and so are ``writers``, the sending sides of what leaves each.
    """

    def __init__(
        self,
        index: int,
        deployment: Deployment,
        configuration: Configuration,
        graph: JobGraph,
        loop: MainLoop,
        switchboard: Switchboard,
    ) -> None:
        self.index, self.attempt, self.watched = index, deployment.attempt, deployment.watched
        self.configuration = configuration
        self.accumulators = Accumulators()
        self.buffer_timeout: int = configuration.get(BUFFER_TIMEOUT)
        self.tables: Tables = tables_of(configuration, index)
        self.writers: dict[int, list[ExchangeWriter]] = {}
        self.subtasks: dict[int, Subtask] = {}
        self._graph = graph
        self._loop = loop
        self._control, self._peers = switchboard.control, switchboard.peers
        # Last first: the code of a chain calls that of the chains behind it.
        for task in reversed(graph.tasks):
            if index < task.parallelism:
                self.subtasks[task.id] = Subtask(self, graph, task)
        self._unfinished = list(self.subtasks.values())

    @property
    def finished(self) -> bool:
        """Whether all subtasks have come to their ends."""
        while self._unfinished and self._unfinished[-1].finished:
            self._unfinished.pop()
        return not self._unfinished

    @property
    def now(self) -> int:
        return self._loop.now

    def on_input(self, subtask: Subtask) -> None:
        """Something has come that ``subtask`` may process."""
        self._loop.ready.add(subtask)

    def hold(self, holder: Holder) -> None:
        """``holder`` is flushed when there is nothing else to do, or after the buffer timeout."""
        self._loop.held.add(holder)

    def schedule(self, time: int, owner: Owner, action: Callable[[], None]) -> None:
        """Calls ``action`` at ``time`` (ms), unless ``owner`` has finished by then."""
        self._loop.timers.schedule(time, owner, action)

    def acknowledge(self, channel: Channel) -> None:
        """A frame has been processed: its sender gets a credit for another one."""
        exchange, sender = channel
        self._peers[sender].send(Kind.CREDIT, exchange)

    def exits(self, task: Task) -> list[ExchangeWriter]:
        """The sending side of what leaves ``task``; the tasks behind it are made already, but for feedback."""
        reuses = self.configuration.get(OBJECT_REUSE)
        writers: list[ExchangeWriter] = []
        for exchange in self._graph.outputs(task.id):
            target = self._graph.tasks[exchange.target_task]
            peers = {peer: connection for peer, connection in self._peers.items() if peer < target.parallelism}
            # Unknown of records that are not looked at; and what times are like is never looked at.
            plainness = Plainness(not reuses and not self._graph.timestamped)
            local = self.subtasks.get(target.id)
            writers.append(ExchangeWriter(self, exchange, target, local, peers, plainness))
        self.writers[task.id] = writers
        return writers

    def guard(self, task: Task) -> SourceGuard | None:
        """What lets the records of a push source into its chain; None if ``task`` has none."""
        return guard_of(task)

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        """Opens what is behind a sink. Raises OSError."""
        console = ConsoleWriter(self._control, lambda: self._loop.cancelled, self._loop.work_downstream)
        return open_writer(sink, self.index, parallelism, positions, console)

    def work_downstream(self, first: int | None) -> None:
        """Makes room where a receiver must catch up: see MainLoop."""
        self._loop.work_downstream(first)
