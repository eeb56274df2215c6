"""What the subtasks of one index ask of their worker, where there is none."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from stream_engine.local.inline.exchange import InlineExchange
from stream_engine.local.output import forget, put, signal_of
from stream_engine.local.stop_signals import hangup_ignored
from stream_engine.operators.tables import MemoryTables
from stream_engine.task.writers import open_writer
from stream_engine.utf8 import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stream_engine.graph.job_graph import Task
    from stream_engine.graph.specs import Sink
    from stream_engine.local.inline.state import JobState
    from stream_engine.operators.operator import Writer
    from stream_engine.operators.tables import Tables
    from stream_engine.task.host import Channel
    from stream_engine.task.timers import Owner


class ReaderGone(BaseException):
    """Nobody reads standard output any more; not an Exception, so that no user code swallows it.

    ``signal`` is the one that ends a program then.
    """

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class Terminal:
    """The lines of ``output()`` on this process's standard output, each at once."""

    buffers = False

    def __init__(self) -> None:
        self._first = sys.stdout

    def write(self, lines: list[str]) -> None:
        # A function that sets its ``sys.stdout`` to None takes its own prints away, not the records, as in a worker.
        stream = self._first if sys.stdout is None else sys.stdout
        if stream is None:
            return
        try:
            put(encode("".join(f"{line}\n" for line in lines)), stream)
        except OSError as error:
            lost = signal_of(error, stream)
            if lost is None:
                raise
            forget(stream)
            if lost == signal.SIGHUP and hangup_ignored():
                return
            raise ReaderGone(lost) from None

    def flush(self) -> None:
        """Everything was written."""

    def position(self) -> None:
        """What was written cannot be taken back."""

    def close(self) -> None:
        """Standard output is not the sink's."""


class InlineSlot:
    """Subtasks of ``index`` have their own functions, and share the job's clock, timers and accumulators."""

    def __init__(self, job: JobState, index: int) -> None:
        self.index, self.attempt = index, 0
        self.configuration = job.configuration
        self.accumulators = job.accumulators
        self.tables: Tables = MemoryTables()
        self.watched = False
        self._job = job

    @property
    def now(self) -> int:
        return self._job.now

    def exits(self, task: Task) -> list[InlineExchange]:
        return [InlineExchange(self._job, exchange, self.index) for exchange in self._job.graph.outputs(task.id)]

    def guard(self, task: Task) -> None:
        """The job does it: there is nothing that would have to be fast."""

    def acknowledge(self, channel: Channel) -> None:
        """Nobody waits: here records come by a call."""

    def schedule(self, time: int, owner: Owner, action: Callable[[], None]) -> None:
        def act() -> None:
            self._job.index = self.index
            action()

        self._job.timers.schedule(time, owner, act)

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        return open_writer(sink, self.index, parallelism, positions, Terminal())
