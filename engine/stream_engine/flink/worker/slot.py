"""What a subtask asks of its host where that is a process function of Flink's."""

from __future__ import annotations

import sys
from time import time
from typing import TYPE_CHECKING

from stream_engine.configuration.options import ATTACHED, OBJECT_REUSE
from stream_engine.flink.worker.exchange import FlinkExchange
from stream_engine.operators.accumulators import Accumulators
from stream_engine.operators.ownership import Plainness
from stream_engine.operators.tables import MemoryTables
from stream_engine.task.timers import Timers
from stream_engine.task.writers import open_writer
from stream_engine.utf8 import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.specs import Sink
    from stream_engine.operators.operator import Writer
    from stream_engine.operators.tables import Tables
    from stream_engine.task.host import Channel
    from stream_engine.task.ready import Holder
    from stream_engine.task.subtask import Subtask
    from stream_engine.task.timers import Owner


class ConsoleLines:
    """The lines of ``output()``, kept until the next report takes them to the client."""

    buffers = False

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        # Of all lines that wait, in bytes.
        self.waiting = 0

    def write(self, lines: list[str]) -> None:
        self._kept.append(encode("".join(f"{line}\n" for line in lines)))
        self.waiting += len(self._kept[-1])

    def take(self) -> bytes:
        """All lines since the last call, in utf-8."""
        kept = b"".join(self._kept)
        self._kept.clear()
        self.waiting = 0
        return kept

    def flush(self) -> None:
        """The host takes them when it reports."""

    def position(self) -> None:
        """Flink takes back what was collected since the checkpoint, not the sink."""

    def complete(self, position: int) -> None:
        """Nothing was held back for a checkpoint."""

    def close(self) -> None:
        """The host takes what is left."""


class WorkerLog(ConsoleLines):
    """The lines of a job that nobody waits for: they go where what functions print goes, to the TaskManager's log."""

    def write(self, lines: list[str]) -> None:
        for line in lines:
            # As print() does: PyFlink makes a record of its log of each, and nobody has the worker's file descriptors.
            sys.stdout.write(line)
            sys.stdout.write("\n")


class FlinkSlot:
    """The place of one subtask. ``now`` is set by the host before it does anything with the subtask."""

    def __init__(self, index: int, attempt: int, watched: bool, configuration: Configuration, graph: JobGraph) -> None:
        self.index, self.attempt, self.watched = index, attempt, watched
        self.configuration = configuration
        self.accumulators = Accumulators()
        self.tables: Tables = MemoryTables()
        self.timers = Timers()
        self.console = ConsoleLines() if configuration.get(ATTACHED) else WorkerLog()
        self.exchanges: list[FlinkExchange] = []
        self.now = int(time() * 1000)
        self._graph = graph

    def exits(self, task: Task) -> list[FlinkExchange]:
        graph = self._graph
        plain = not graph.timestamped and not self.configuration.get(OBJECT_REUSE)
        self.exchanges = [
            FlinkExchange(self.index, exchange, graph.tasks[exchange.target_task], Plainness(plain))
            for exchange in graph.outputs(task.id)
        ]
        return self.exchanges

    def on_input(self, subtask: Subtask) -> None:
        """The host lets the subtask work as long as it is ready."""

    def hold(self, holder: Holder) -> None:
        """The host flushes everything at the end of each element."""

    def guard(self, task: Task) -> None:
        """The host lets records of a push source in, one turn at a time."""

    def acknowledge(self, channel: Channel) -> None:
        """Flink itself holds senders back."""

    def schedule(self, time: int, owner: Owner, action: Callable[[], None]) -> None:
        self.timers.schedule(time, owner, action)

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        return open_writer(sink, self.index, parallelism, positions, self.console)
