"""What a subtask on a cluster has done so far, while somebody watches the job."""

from __future__ import annotations

import pickle
from math import inf
from time import perf_counter_ns, time
from typing import TYPE_CHECKING

from stream_engine.graph.specs import TextFileSource
from stream_engine.status import Progress, SubtaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.flink.worker.exchange import FlinkExchange
    from stream_engine.flink.worker.sources import Source
    from stream_engine.task.subtask import Subtask

# Nanoseconds between two reports.
_INTERVAL = 500_000_000


class SubtaskMeter:
    """Counts the records of ``subtask``, and its time: what is not spent between ``begin`` and ``end`` is idle."""

    def __init__(self, subtask: Subtask, source: Source | None, exchanges: Sequence[FlinkExchange]) -> None:
        self._subtask = subtask
        self._source = source
        self._exchanges = exchanges
        self._opened = self._begun = perf_counter_ns()
        self._busy = 0
        self._reported_at = 0
        self._over = False
        # Whether anything has been done since the last report.
        self._owes = False
        self._due = 0.0

    @property
    def due(self) -> float:
        """When, in ms since the epoch, what has been done since the last report is to be reported; inf: nothing has."""
        if not self._owes or self._over:
            return inf
        return self._due

    def begin(self) -> None:
        self._begun = perf_counter_ns()

    def end(self) -> None:
        self._busy += perf_counter_ns() - self._begun
        self._owes = True

    def report(self) -> bytes | None:
        """A pickled SubtaskStatus by the id of the task, if there is to be one now: the last one at the end."""
        now = perf_counter_ns()
        if self._over or (now - self._reported_at < _INTERVAL and not self._subtask.finished):
            return None
        self._reported_at = now
        self._owes = False
        self._due = time() * 1000 + _INTERVAL // 1_000_000 + 1
        self._over = self._subtask.finished
        return pickle.dumps({self._subtask.task.id: self._status(now)})

    def _status(self, now: int) -> SubtaskStatus:
        subtask = self._subtask
        operators = subtask.chain.operators
        entered = subtask.chain.pushed.records
        written = sum(operator.written.records for operator in operators)
        written += (subtask.batch.done + entered) * sum(operator.writes_all for operator in operators)
        return SubtaskStatus(
            subtask.index,
            records_in=subtask.batch.begun + entered,
            records_out=sum(exchange.records_out for exchange in self._exchanges),
            records_written=written,
            bytes_in=subtask.bytes_in,
            bytes_out=sum(exchange.bytes_out for exchange in self._exchanges),
            busy=self._busy // 1_000_000,
            idle=(now - self._opened - self._busy) // 1_000_000,
            watermark=subtask.watermark,
            queued=subtask.queued,
            progress=self._progress(),
            metrics=subtask.metrics.values(),
            finished=subtask.finished,
            late=tuple((each.id, each.late_records) for each in operators if each.late_records is not None),
        )

    def _progress(self) -> Progress | None:
        progress = None if self._source is None else self._source.progress()
        unit = "bytes" if isinstance(self._subtask.task.head.operator, TextFileSource) else "records"
        return progress and Progress(*progress, unit)
