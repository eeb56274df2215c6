"""Hosts one subtask: takes elements of Flink's and the time, gives elements for others and reports to the client."""

from __future__ import annotations

import pickle
import sys
from collections import deque
from contextlib import suppress
from math import inf
from time import monotonic, time
from typing import TYPE_CHECKING

from stream_engine.configuration.options import ATTACHED, CHECKPOINT_INTERVAL
from stream_engine.connectors.storage_options import configure
from stream_engine.flink.elements import EARLY, Drive, ElementReader, Emission, Envelope, pack_element, pack_elements
from stream_engine.flink.exception_text import failure_text, report_text
from stream_engine.flink.worker.console import LastLines, printed
from stream_engine.flink.worker.meter import SubtaskMeter
from stream_engine.flink.worker.slot import FlinkSlot
from stream_engine.flink.worker.snapshots import packed_snapshot, restore
from stream_engine.flink.worker.sources import source_of
from stream_engine.local.accumulators import packed
from stream_engine.local.late_records import late_records
from stream_engine.operators.sinks import LineOperator
from stream_engine.task.failure import OperatorError, send_failure
from stream_engine.task.subtask import Subtask
from stream_engine.wire.messages import Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.wire.deployment import Deployment

# Frames and lines that wait for being handed on, in bytes: more are an element.
_ELEMENT_SIZE = 256 * 1024
# How long a tick lets a source work, in seconds: a barrier behind it waits so long.
TURN = 0.05
# And a timer, which is a bundle: some 6 ms of Flink's Python worker go with each.
_TIMED_TURN = 0.12


class SubtaskFailed(Exception):
    """What Flink is told of a failure: its text holds all that the client needs for the report."""


class SubtaskHost:
    """Subtask ``index`` of task ``task`` of the job that ``deployment`` describes.

    ``kept`` is what ``snapshot`` gave for the checkpoint that it resumes from. All methods but the first raise
    SubtaskFailed for whatever went wrong in the subtask.
    """

    def __init__(self, deployment: Deployment, task: int, index: int, kept: bytes | None = None) -> None:
        self._index = index
        self._job_id = deployment.job_id
        self._reported = False
        if deployment.prepare is not None:
            pickle.loads(deployment.prepare)()
        configuration: Configuration = pickle.loads(deployment.configuration)
        configure(configuration, trusting=True)
        self._graph: JobGraph = pickle.loads(deployment.graph)
        self._checkpointed = deployment.checkpointed
        self.task = self._graph.tasks[task]
        self._slot = FlinkSlot(index, deployment.attempt, deployment.watched, configuration, self._graph)
        self._late: dict[int, int] = {}
        self._reader = ElementReader()
        # Those of a subtask that has finished, packed.
        self._accumulators = b""
        listens, interval = configuration.get(ATTACHED), configuration.get(CHECKPOINT_INTERVAL)
        # None where the lines of a job that fails are not missed: it tells them again, or nobody listens.
        self._last = LastLines() if listens and not interval else None
        # What the client is told before a checkpoint counts it; None where none holds up the reports.
        self._early: list[Envelope] | None = [] if listens and interval else None
        # Whether anything may have changed since the last snapshot.
        self.changed = True
        with _Reported(self):
            self._subtask = Subtask(self._slot, self._graph, self.task)
            self._source = source_of(self._subtask, deployment.splits, self._graph.timestamped, self._checkpointed)
            self._meter = None
            if deployment.watched:
                self._meter = SubtaskMeter(self._subtask, self._source, self._slot.exchanges)
            if kept is not None:
                own = restore(kept, self._subtask, self._source)
                reporter, self._accumulators, self._reader.begun = own
                # The client of this job knows of its end; that of another one, which a savepoint is of, did.
                self._reported = self._subtask.finished and reporter == self._job_id
            self._ended_before = self._subtask.finished
            if not self._ended_before:
                self._subtask.open()
                if self._source is not None:
                    self._source.open()

    @property
    def reads(self) -> bool:
        """Whether it is a source that has not come to its end."""
        return self._source is not None and not self._subtask.finished

    @property
    def finished(self) -> bool:
        return self._subtask.finished

    @property
    def next_timer(self) -> float:
        """When, in ms since the epoch, ``on_time`` is to be called; inf: not as things are."""
        if self._subtask.finished:
            return inf
        # A source is let work all the time.
        due = inf if self._meter is None or self._source is not None else self._meter.due
        return min(self._slot.timers.next, due)

    def take(self, element: bytes) -> Iterator[Emission]:
        """Processes an element."""
        with _Reported(self):
            subtask = self._subtask
            self._begin()
            for kind, exchange, sender, payload in self._reader.read(element):
                if kind == Drive.START:
                    continue
                if kind in (Drive.TICK, Drive.LAST):
                    yield from self._read(TURN if kind == Drive.TICK else None)
                    continue
                subtask.receive(sender, Frame(kind, exchange, payload))
                while subtask.ready:
                    subtask.work()
                    if self._waiting() > _ELEMENT_SIZE:
                        yield from self._emissions()
            yield from self._end()

    def on_time(self) -> Iterator[Emission]:
        """Processing time has come to ``next_timer``."""
        with _Reported(self):
            self._begin()
            yield from self._end()

    def read(self) -> Iterator[Emission]:
        """Lets the source work for a while."""
        with _Reported(self):
            self._begin()
            yield from self._read(_TIMED_TURN)
            yield from self._end()

    def snapshot(self) -> bytes:
        """All that the subtask needs in order to go on from here."""
        with _Reported(self):
            self.changed = False
            own = (self._job_id, self._accumulators, self._reader.begun)
            return packed_snapshot(self._subtask, self._source, own)

    def close(self) -> None:
        """Called once, whether the subtask has finished or not."""
        if self._subtask.finished:
            return
        try:
            if self._source is not None:
                self._source.cancel()
        finally:
            try:
                self._subtask.close()
            finally:
                if self._source is not None:
                    self._source.close()

    # -----------------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.changed = True
        if self._meter is not None:
            self._meter.begin()
        self._slot.now = int(time() * 1000)

    def _read(self, seconds: float | None) -> Iterator[Emission]:
        source, subtask = self._source, self._subtask
        if source is None or subtask.finished:
            return
        until = None if seconds is None else monotonic() + seconds
        while not subtask.finished:
            left = None if until is None else until - monotonic()
            if left is not None and left <= 0:
                break
            if source.advance(left, self._goes_on):
                subtask.finish()
                source.close()
            yield from self._emissions()
        # While all that it causes can still be emitted.
        while self._checkpointed and not subtask.finished and not source.settle():
            self._goes_on()
            yield from self._emissions()

    def _goes_on(self) -> bool:
        """Called by a source between two records: it pauses when there is much to be handed on."""
        self._slot.now = now = int(time() * 1000)
        if self._slot.timers.next <= now:
            self._slot.timers.run(now)
        return self._waiting() <= _ELEMENT_SIZE

    def _waiting(self) -> int:
        return sum(exchange.waiting for exchange in self._slot.exchanges) + self._slot.console.waiting + printed.waiting

    def _end(self) -> Iterator[Emission]:
        """Leaves nothing behind, so that Flink may take a checkpoint."""
        self._slot.timers.run(self._slot.now)
        if self._checkpointed and not self._subtask.finished:
            for operator in self._subtask.chain.operators:
                with OperatorError.around(operator.id, "emitting what it holds"):
                    operator.before_snapshot()
        self._subtask.flush()
        for exchange in self._slot.exchanges:
            exchange.flush()
        if self._meter is not None:
            self._meter.end()
        yield from self._emissions()

    def _emissions(self) -> Iterator[Emission]:
        for exchange in self._slot.exchanges:
            yield from exchange.emissions()
        for report in pack_elements(self._reports()):
            yield Emission(None, 0, report)
        if self._early:
            early, self._early = self._early, []
            for report in pack_elements(early):
                yield Emission(EARLY, 0, report)

    def _reports(self) -> Iterator[Envelope]:
        task, index = self.task.id, self._index
        yield from self._lines()
        for operator, count in late_records([self._subtask]).items():
            if count != self._late.get(operator, 0):
                self._late[operator] = count
                yield Envelope(Kind.LATE, operator, index, str(count).encode())
        status = None if self._meter is None else self._meter.report()
        if status is not None:
            told = Envelope(Kind.STATUS, task, index, status)
            if self._early is not None:
                self._early.append(told)
            if self._early is None or self._subtask.finished:
                yield told
        if self._subtask.finished and not self._reported:
            self._reported = True
            if self._early is not None:
                self._early.append(Envelope(Kind.FINISHED, task, index, b""))
            if not self._ended_before:
                self._subtask.commit()
                self._accumulators = packed(self._slot.accumulators)
            yield Envelope(Kind.FINISHED, task, index, self._accumulators)

    def _lines(self) -> Iterator[Envelope]:
        lines = self._slot.console.take()
        for kind, text in ((Kind.CONSOLE, lines), *printed.take()):
            if not text:
                continue
            if self._last is not None:
                self._last.add(kind, text)
            yield Envelope(kind, self.task.id, self._index, text)

    def failure(self, error: BaseException) -> SubtaskFailed:
        """What to raise in place of ``error``."""
        known: list[bytes] = []
        send_failure(error, self._graph, self._index, known.append)
        text = failure_text(known[0])
        with suppress(Exception):
            text += self._last_report()
        return SubtaskFailed(text)

    def _last_report(self) -> str:
        """The last lines, with those that were not reported."""
        if self._last is None:
            return ""
        with suppress(Exception):
            # It may be what has failed.
            for operator in self._subtask.chain.operators:
                if isinstance(operator, LineOperator):
                    operator.flush()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        deque(self._lines(), 0)
        before, lines = self._last.take()
        if not lines:
            return ""
        task, index = self.task.id, self._index
        again = Envelope(Drive.AGAIN, task, index, str(before).encode())
        report = pack_element([again, *(Envelope(kind, task, index, text) for kind, text in lines)])
        return report_text(report)


class _Reported:
    """What is raised within is raised as SubtaskFailed."""

    def __init__(self, host: SubtaskHost) -> None:
        self._host = host

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if error is not None and not isinstance(error, SubtaskFailed | GeneratorExit):
            raise self._host.failure(error) from None
