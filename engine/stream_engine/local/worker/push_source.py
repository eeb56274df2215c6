"""A push source: its function runs in a thread of its own, which shares the worker's lock with the worker's loop."""

from __future__ import annotations

import sys
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from stream_engine.local.worker.biased_lock import Claim
from stream_engine.task.failure import Cancelled
from stream_engine.task.safepoint import SafePoint
from stream_engine.task.source_functions import PushingFunction

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from stream_engine.local.worker.biased_lock import BiasedLock
    from stream_engine.local.worker.null_meter import NullMeter
    from stream_engine.operators.code import Way
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.task.subtask import Subtask

_ENDED = "ended"


class PushHost(Protocol):
    """What a push source asks of its worker."""

    lock: BiasedLock
    meter: NullMeter
    cancelled: bool

    def wake(self) -> None:
        """Ends the sleep of the worker's loop."""
        ...

    def source_awoke(self) -> None:
        """A source's thread has taken the lock, and will process records until the loop takes it back."""
        ...


class PushSource:
    """Runs a source's ``run`` in a thread. ``done`` is set at its end, with ``error`` what it raised."""

    def __init__(self, worker: PushHost, subtask: Subtask, timestamped: bool) -> None:
        self.subtask = subtask
        self.done = False
        self.error: BaseException | None = None
        # How its records enter the chain; see Meter.
        self.ways: list[Way] = []
        self._worker = worker
        self.claim = Claim()
        self._function = PushingFunction(subtask, timestamped)
        self.open, self.cancel = self._function.open, self._function.cancel
        # The operator whose ``close`` is being called.
        self.closing: int | None = None
        self._thread = Thread(target=self._run, name=subtask.task.head.name, daemon=True)
        self._safe_point = SafePoint(self._locked(self._act, measured=False))
        # Whether it had ended before the checkpoint that the job resumes from.
        self._ended = False

    def at_safe_point(self, action: Callable[[], None]) -> None:
        """Calls ``action`` when a snapshot would hold just what has been collected: now, or in the source's thread.

        The caller holds the lock, and so does the thread that calls ``action``.
        """
        if self._function.has_state and not self.done:
            self._safe_point.request(action)
        else:
            action()

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        """What the source resumes with; it belongs to the head of the chain."""
        snapshot = self._function.snapshot()
        if self._ended or (self.done and self.error is None):
            snapshot.own[_ENDED] = self.subtask.task.parallelism
        return snapshot

    def restore(self, state: RestoredState) -> None:
        """Called before ``open``."""
        self._function.restore(state)
        ended = state.each(_ENDED)
        # At another parallelism it has ended only if all of them had.
        self._ended = _ENDED in state.own or bool(ended and len(ended) == ended[0])

    def settle(self) -> None:
        """``run`` has returned: does what has waited for that."""
        self._safe_point.serve()

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
            self._function.run(self._locked, self._safe_point)
        except BaseException as error:
            self._note(error)
        finally:
            # A thread that the function has started may still be in the middle of a record.
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
        """Does what ``_finish`` does, in the middle of a record."""
        self._worker.lock.leave(self.claim)
        self._finish()

    def _locked(self, process: Callable[[Any], None], measured: bool = True) -> Callable[[Any], None]:
        """``process``, done only while no other thread of the worker is in the middle of a record."""
        claim, lock, take = self.claim, self._worker.lock, self._take

        def collect(record: Any) -> None:
            if claim.inside:
                self._refuse_crowd()
            claim.inside = True
            if lock.holder is not claim and not take():
                return
            try:
                process(record)
            except BaseException as error:
                # The function may catch an error that its record has caused; the job has failed all the same.
                self._note(error)
                self._end()
                raise
            claim.inside = False
            if lock.holder is not claim:
                claim.gone.set()

        def install(other: Callable[[Any], None]) -> None:
            nonlocal process
            process = other

        if measured:
            self.ways.append((install, process))
        return collect

    def _take(self) -> bool:
        """Takes the lock for a record; returns whether to process the record.

        The records of a cancelled source are dropped, not refused, so that ``run`` comes to its own end.
        """
        worker, claim = self._worker, self.claim
        while True:
            worker.lock.take(claim)
            if worker.cancelled:
                worker.lock.give_up(claim)
                return False
            worker.source_awoke()
            worker.meter.push(self.subtask)
            try:
                self._safe_point.serve()
            except BaseException as error:
                self._note(error)
                self._end()
                raise
            if not self.subtask.paused:
                return True
            worker.lock.give_up(claim)
            # Read last: whoever ends the job sets it first, and resumes all subtasks then.
            if not worker.cancelled:
                self.subtask.resumed.wait()

    def _act(self, action: Callable[[], None]) -> None:
        """Does something between two records of the source, which may have to wait before the next one."""
        action()
        if self.subtask.paused:
            self._worker.lock.give_up(self.claim)
