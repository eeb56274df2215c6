"""Measures a worker while somebody watches the job, and reports to the coordinator."""

from __future__ import annotations

import pickle
from threading import Event, Thread
from time import perf_counter_ns
from typing import TYPE_CHECKING

from stream_engine.graph.specs import TextFileSource
from stream_engine.local.worker.metrics.clock import Account, Clock, Passage
from stream_engine.local.worker.null_meter import NullMeter
from stream_engine.status import Progress, SubtaskStatus
from stream_engine.task.sources import LaggingSource
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from selectors import BaseSelector, SelectorKey

    from stream_engine.local.worker.exchange_writer import ExchangeWriter
    from stream_engine.local.worker.push_source import PushSource
    from stream_engine.operators.code import Count, Way
    from stream_engine.task.sources import Reader
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.connection import Connection

# Seconds between two reports: at first, as the job may be short, and later.
_SHORT, _LONG = 0.125, 0.5
# Unsent bytes after which reports wait.
_BACKLOG = 64 * 1024


class Meter(NullMeter):
    """Measures the subtasks of a worker, and reports to the coordinator some times a second.

    Made when all are open, before the first record. ``writers`` and ``readers`` are by task; ``readers`` is read again
    for each report.
    """

    def __init__(
        self,
        control: Connection,
        subtasks: Sequence[Subtask],
        writers: Mapping[int, Sequence[ExchangeWriter]],
        readers: Mapping[int, Reader],
        pushing: Sequence[PushSource],
    ) -> None:
        self._control = control
        self._writers = writers
        self._readers = readers
        self._accounts = {subtask.task.id: Account(subtask) for subtask in subtasks}
        self._clock = Clock(list(self._accounts.values()))
        # By task, the counters of records that enter one by one.
        self._entered: dict[int, list[Count]] = {task: [] for task in self._accounts}
        for source in pushing:
            self._add_passage(source.subtask.chain.pushed, source.ways, None, source.subtask.task.id)
        for task in sorted(self._accounts):
            for writer in writers[task]:
                if writer.ways:
                    self._add_passage(writer.handed, writer.ways, self._accounts[task], writer.exchange.target_task)
        # A source may be at its end before the first report.
        self._last = {
            subtask.task.id: SubtaskStatus(subtask.index, progress=self._progress(subtask, None))
            for subtask in subtasks
        }
        self._reported_at = perf_counter_ns()
        self._stopped = Event()
        self._thread = Thread(target=self._report_again, name="meter", daemon=True)
        self._thread.start()

    def _add_passage(self, count: Count, ways: Sequence[Way], source: Account | None, task: int) -> None:
        self._entered[task].append(count)
        self._clock.passages.append(Passage(self._clock, count, ways, source, self._accounts[task]))

    def run(self, subtask: Subtask) -> None:
        account = self._accounts[subtask.task.id]
        account.eager = subtask.task.head.is_source
        self._clock.switch(account)

    def push(self, subtask: Subtask) -> None:
        account = self._clock.pushing = self._accounts[subtask.task.id]
        account.note_thread()

    def select(self, selector: BaseSelector, timeout: float | None) -> list[tuple[SelectorKey, int]]:
        if timeout == 0:
            return selector.select(0)
        running = self._clock.sleep()
        ready = selector.select(timeout)
        self._clock.switch(running)
        return ready

    def suspend(self) -> object:
        return self._clock.suspend()

    def resume(self, before: object) -> None:
        self._clock.resume(before)  # pyright: ignore[reportArgumentType] - what suspend gave

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._report()

    # --- reports -----------------------------------------------------------------------------------------------------

    def _report_again(self) -> None:
        interval = _SHORT
        while not self._stopped.wait(interval):
            interval = min(_LONG, interval * 2)
            if self._control.backlog < _BACKLOG:
                self._report()

    def _report(self) -> None:
        self._clock.settle()
        now = perf_counter_ns()
        elapsed, self._reported_at = now - self._reported_at, now
        self._last = {task: self._status(task, last, elapsed) for task, last in self._last.items()}
        self._control.send(Kind.STATUS, 0, pickle.dumps(self._last))

    def _status(self, task: int, last: SubtaskStatus, elapsed: int) -> SubtaskStatus:
        if last.finished:
            return last
        account = self._accounts[task]
        subtask, writers = account.subtask, self._writers[task]
        busy, backpressured, idle = account.spend(elapsed)
        entered = sum(count.records for count in self._entered[task])
        operators = subtask.chain.operators
        written = sum(operator.written.records for operator in operators)
        written += (subtask.batch.done + entered) * sum(operator.writes_all for operator in operators)
        return SubtaskStatus(
            subtask.index,
            records_in=subtask.batch.begun + entered,
            records_out=sum(writer.records_out + writer.handed.records for writer in writers),
            records_written=written,
            bytes_in=subtask.bytes_in,
            bytes_out=sum(writer.bytes_out for writer in writers),
            busy=busy // 1_000_000,
            backpressured=backpressured // 1_000_000,
            idle=idle // 1_000_000,
            watermark=subtask.watermark,
            queued=subtask.queued,
            progress=self._progress(subtask, last.progress),
            metrics=subtask.metrics.values(),
            finished=subtask.finished,
            lag=self._lag(subtask),
            late=tuple((each.id, each.late_records) for each in operators if each.late_records is not None),
        )

    def _lag(self, subtask: Subtask) -> int | None:
        reader = self._readers.get(subtask.task.id)
        return reader.lag() if isinstance(reader, LaggingSource) else None

    def _progress(self, subtask: Subtask, last: Progress | None) -> Progress | None:
        reader = self._readers.get(subtask.task.id)
        if reader is None:
            # It has been read to its end, or has no end.
            return last and Progress(last.total, last.total, last.unit)
        progress = reader.progress()
        unit = "bytes" if isinstance(subtask.task.head.operator, TextFileSource) else "records"
        return progress and Progress(*progress, unit)
