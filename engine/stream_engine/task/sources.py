"""The two kinds of source in a worker: pulled by its loop, or pushing from a thread of its own."""

from __future__ import annotations

import pickle
import sys
from collections import deque
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from stream_engine.configuration.options import HOLD_WATERMARKS
from stream_engine.connectors.collection import CollectionReader
from stream_engine.connectors.sequence import SequenceReader
from stream_engine.connectors.text import TextReader
from stream_engine.graph import specs
from stream_engine.local.worker.biased_lock import Claim
from stream_engine.operators.snapshot import OperatorSnapshot, StateError
from stream_engine.task.failure import Cancelled
from stream_engine.task.safepoint import SafePoint
from stream_engine.task.source_functions import PushingFunction
from stream_engine.wire.connection import DEMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from stream_engine.local.worker.metrics.clock import Way
    from stream_engine.local.worker.process import Worker
    from stream_engine.operators.snapshot import RestoredState
    from stream_engine.task.subtask import Subtask

# Batches asked for in advance: one in work, one on its way.
_DEMANDS = 2
_POSITION = "position"
# What had read up to there.
_READER = "reader"
_ENDED = "ended"
_OTHER_SOURCE = (
    "the state is that of another kind of source: give this one another uid(...) in the script, and leave that state "
    "behind with --allow-non-restored-state"
)


class Reader(Protocol):
    """A source that is asked for records: some, none for now (empty), or no more (None)."""

    def read(self, limit: int) -> Sequence[Any] | None: ...

    def close(self) -> None: ...

    def progress(self) -> tuple[int, int] | None:
        """How much has been read, and of how much, when that is known. May be called by another thread."""
        ...


class ClientReader:
    """Reads what the script's own process reads for it, a batch per demand."""

    def __init__(self, worker: Worker, operator: int) -> None:
        self._worker = worker
        self._operator = operator
        self._batches: deque[bytes] = deque()
        self._records: list[Any] = []
        self._ended = False
        for _ in range(_DEMANDS):
            worker.control.send(DEMAND, operator)

    def feed(self, batch: bytes) -> None:
        self._batches.append(batch)

    def end(self) -> None:
        self._ended = True

    def read(self, limit: int) -> Sequence[Any] | None:
        if not self._records:
            if not self._batches:
                return None if self._ended else ()
            self._records = pickle.loads(self._batches.popleft())
            self._worker.control.send(DEMAND, self._operator)
        records, self._records = self._records[:limit], self._records[limit:]
        return records

    def progress(self) -> None:
        """Only the script's process may know how many there are."""

    def close(self) -> None:
        self._batches.clear()


class PushSource:
    """Runs a source's ``run`` in a thread. ``done`` is set at its end, with ``error`` what it raised."""

    def __init__(self, worker: Worker, subtask: Subtask) -> None:
        self.subtask = subtask
        self.done = False
        self.error: BaseException | None = None
        # By which records enter the chain; see Meter.
        self.ways: list[Way] = []
        self._worker = worker
        self.seat = Claim()
        self._function = PushingFunction(subtask, worker.graph.timestamped)
        self.open, self.cancel = self._function.open, self._function.cancel
        # The operator whose ``close`` is being called.
        self.closing: int | None = None
        self._thread = Thread(target=self._run, name=subtask.task.head.name, daemon=True)
        self._rest = SafePoint(self._in_turn(self._act, measured=False))
        # It had come to its end when the checkpoint was taken that the job goes on from.
        self._ended = False

    def at_rest(self, action: Callable[[], None]) -> None:
        """Calls ``action`` when a snapshot would hold just what has been collected: now, or in the source's thread.

        The caller has the turn, and so has ``action``.
        """
        if self._function.has_state and not self.done:
            self._rest.request(action)
        else:
            action()

    def snapshot(self) -> OperatorSnapshot:
        """What the source goes on with; it belongs to the head of the chain."""
        snapshot = self._function.snapshot()
        if self._ended or (self.done and self.error is None):
            snapshot.own[_ENDED] = self.subtask.task.parallelism
        return snapshot

    def restore(self, state: RestoredState) -> None:
        """Called before ``open``."""
        self._function.restore(state)
        ended = state.each(_ENDED)
        # At another parallelism, only if all of them had.
        self._ended = _ENDED in state.own or bool(ended and len(ended) == ended[0])

    def settle(self) -> None:
        """``run`` has returned: does what has waited for it."""
        self._rest.serve()

    def start(self) -> None:
        if self._ended:
            self._finish()
        else:
            self._thread.start()

    @property
    def running(self) -> bool:
        """Whether ``run`` has been called and has not returned."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Called when ``run`` has returned."""
        self.closing = self.subtask.task.head.id
        self._function.close()
        self.closing = None

    def join(self, timeout: float | None) -> None:
        """Waits until ``run`` has returned, but no longer than ``timeout`` seconds."""
        if self.running:
            self._thread.join(timeout)

    def frame(self) -> FrameType | None:
        """Where ``run`` is; None when it is not running."""
        return sys._current_frames().get(self._thread.ident or 0) if self.running else None

    def _run(self) -> None:
        try:
            self._function.run(self._in_turn, self._rest)
        except BaseException as error:
            self._note(error)
        finally:
            # A thread that it has started may still be in the middle of a record.
            self._finish()

    def _note(self, error: BaseException) -> None:
        if self.error is None and not isinstance(error, Cancelled):
            self.error = error

    def _refuse_crowd(self) -> NoReturn:
        """A thread of the source's own collects while another is in the middle of that: records would be lost."""
        error = RuntimeError("two threads of the source were in collect() at a time: guard it with a lock")
        self._note(error)
        self._finish()
        raise error

    def _finish(self) -> None:
        self.done = True
        self._worker.wake()

    def _end(self) -> None:
        """As ``_finish``, in the middle of a record."""
        self._worker.turn.leave(self.seat)
        self._finish()

    def _in_turn(self, process: Callable[[Any], None], measured: bool = True) -> Callable[[Any], None]:
        """``process``, done only while no other thread of the worker is in the middle of a record."""
        seat, turn, take = self.seat, self._worker.turn, self._take

        def collect(record: Any) -> None:
            if seat.inside:
                self._refuse_crowd()
            seat.inside = True
            if turn.holder is not seat and not take():
                return
            try:
                process(record)
            except BaseException as error:
                # The function may catch what its records have caused; the job has failed all the same.
                self._note(error)
                self._end()
                raise
            seat.inside = False
            if turn.holder is not seat:
                seat.gone.set()

        def install(other: Callable[[Any], None]) -> None:
            nonlocal process
            process = other

        if measured:
            self.ways.append((install, process))
        return collect

    def _take(self) -> bool:
        """Takes the turn for a record; whether it is to be processed. Those of a source that was cancelled are not.

        They are dropped, not refused, so that ``run`` comes to its own end.
        """
        worker, seat = self._worker, self.seat
        while True:
            worker.turn.take(seat)
            if worker.cancelled:
                worker.turn.give_up(seat)
                return False
            worker.source_awoke()
            worker.meter.push(self.subtask)
            try:
                self._rest.serve()
            except BaseException as error:
                self._note(error)
                self._end()
                raise
            if not self.subtask.paused:
                return True
            worker.turn.give_up(seat)
            # Looked at last: who ends the job says so first, and resumes all then.
            if not worker.cancelled:
                self.subtask.resumed.wait()

    def _act(self, action: Callable[[], None]) -> None:
        """Does what belongs between two records of the source, which may have to wait before the next."""
        action()
        if self.subtask.paused:
            self._worker.turn.give_up(self.seat)


def source_of(worker: Worker, subtask: Subtask, splits: dict[int, Any]) -> Reader | PushSource:
    """The source at the head of a worker's subtask."""
    if isinstance(subtask.task.head.operator, specs.ClientSource):
        return ClientReader(worker, subtask.task.head.id)
    if isinstance(subtask.task.head.operator, specs.PUSHING_SOURCES):
        return PushSource(worker, subtask)
    return pull_source(subtask, splits)


def pull_source(subtask: Subtask, splits: dict[int, Any]) -> Reader:
    """The reader of a subtask that is a pulled source, and not fed."""
    head = subtask.task.head
    operator = head.operator
    if isinstance(operator, specs.CollectionSource):
        return CollectionReader(operator.chunks, operator.size)
    if isinstance(operator, specs.SequenceSource):
        return SequenceReader(operator.start, operator.end, subtask.index, subtask.task.parallelism)
    assert isinstance(operator, specs.TextFileSource)
    reader = TextReader(splits[head.id][subtask.index], operator.charset)
    if subtask.configuration.get(HOLD_WATERMARKS.key):
        # Before the last one others are unread, which may begin with any time.
        reader.on_split = lambda last: subtask.hold_time(not last, waited_for=True)
    return reader


def source_snapshot(source: Reader | PushSource) -> OperatorSnapshot:
    """What the source goes on with; nothing for one that cannot collect again what it has collected."""
    if isinstance(source, PushSource):
        return source.snapshot()
    position = getattr(source, "position", None)
    if position is None:
        return OperatorSnapshot()
    return OperatorSnapshot(own={_POSITION: position(), _READER: type(source).__name__})


def restore_source(source: Any, state: RestoredState) -> None:
    """Lets a new source go on. Raises StateError where its input is not what it was."""
    former = {*state.own, *state.everyone}
    if isinstance(source, PushSource):
        if _POSITION in former:
            raise StateError(_OTHER_SOURCE)
        source.restore(state)
        return
    if former - {_POSITION, _READER} or any(kind != type(source).__name__ for kind in state.each(_READER)):
        raise StateError(_OTHER_SOURCE)
    try:
        if _POSITION in state.own:
            source.seek(state.own[_POSITION])
        elif _POSITION in state.everyone:
            source.take_share(state.everyone[_POSITION], state.index, state.width)
    except ValueError as error:
        raise StateError(str(error)) from error
