"""A push source: its function runs in a thread of its own, which shares the worker's lock with the worker's loop."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Thread
from time import thread_time
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from stream_engine.graph.specs import PUSHING_SOURCES
from stream_engine.local.worker.biased_lock import Claim
from stream_engine.task.failure import Cancelled
from stream_engine.task.safepoint import SafePoint
from stream_engine.task.source_functions import PushingFunction
from stream_engine.task.subtask import INLINES_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from stream_engine.graph.job_graph import Task
    from stream_engine.local.worker.biased_lock import BiasedLock
    from stream_engine.local.worker.null_meter import NullMeter
    from stream_engine.operators.code import Code, Way
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


def guard_of(task: Task) -> SourceGuard | None:
    """What lets the records of a push source in; None where ``task`` has none."""
    return SourceGuard() if isinstance(task.head.operator, PUSHING_SOURCES) else None


class SourceGuard:
    """Lets a record of ``source`` into its chain only while no other thread of the worker is in the middle of one.

    It is written into the chain, as a call for each record would cost as much as one of the user's functions. The flags
    of its claim are variables of a function around that: the fastest that the interpreter has.
    """

    source: PushSource

    def __init__(self) -> None:
        self.claim = Claim()

    @contextmanager
    def method(self, code: Code, operator: int, name: str, parameters: str) -> Iterator[None]:
        with code.function(_maker(name), ""), code.operator(operator, None):
            code.line("inside, away = False, True")
            with code.block(f"def {name}(self, {parameters}):"):
                code.line("nonlocal inside")
                with code.block("if inside:"):
                    code.line(f"{code.bind('refuse', self._refuse)}()")
                code.line("inside = True")
                with code.block(f"if away and not {code.bind('take', self._take)}():"):
                    code.line("return")
                with code.block("try:"):
                    yield
                with code.block("except BaseException as error:"):
                    code.line(f"{code.bind('fail', self._fail)}(error)")
                    code.line("raise")
                code.line("inside = False")
                with code.block("if away:"):
                    code.line(f"{code.bind('tell', self._tell)}()")
            code.line(f"return {name}")

    def made(self, namespace: Mapping[str, Any], name: str) -> Callable[..., None]:
        return self.claim.share(namespace[_maker(name)]())

    def _take(self) -> bool:
        return self.source.take()

    def _tell(self) -> None:
        self.claim.gone.set()

    def _fail(self, error: BaseException) -> None:
        self.source.fail(error)

    def _refuse(self) -> NoReturn:
        self.source.refuse_crowd()


def _maker(name: str) -> str:
    return f"make_{name}"


class PushSource:
    """Runs a source's ``run`` in a thread. ``done`` is set at its end, with ``error`` what it raised."""

    def __init__(self, worker: PushHost, subtask: Subtask, timestamped: bool) -> None:
        self.subtask = subtask
        self.done = False
        self.error: BaseException | None = None
        # How its records enter the chain; see Meter.
        self.ways: list[Way] = subtask.chain.ways
        self._worker = worker
        guard = subtask.chain.guard
        assert isinstance(guard, SourceGuard)
        guard.source, self.claim = self, guard.claim
        self._function = PushingFunction(subtask, timestamped)
        self.open, self.cancel = self._function.open, self._function.cancel
        # The operator whose ``close`` is being called.
        self.closing: int | None = None
        self._thread = Thread(target=self._run, name=subtask.task.head.name, daemon=True)
        self._safe_point = SafePoint(self._locked(self._act))
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

    def refuse_crowd(self) -> NoReturn:
        """A thread of the source's own collects while another is in the middle of that: records would be lost."""
        error = RuntimeError("two threads of the source were in collect() at a time: guard it with a lock")
        self._note(error)
        self._finish()
        raise error

    def _finish(self) -> None:
        self.done = True
        self._worker.wake()

    def fail(self, error: BaseException) -> None:
        """A record has failed. The function may catch the error; the job fails all the same."""
        self._note(error)
        self._worker.lock.leave(self.claim)
        self._finish()

    def _locked(self, process: Callable[[Any], None]) -> Callable[[Any], None]:
        """``process``, for what comes between two records, done as the SourceGuard says."""
        claim, lock, take = self.claim, self._worker.lock, self.take

        def guarded(argument: Any) -> None:
            if claim.inside:
                self.refuse_crowd()
            claim.inside = True
            if claim.away and not take():
                return
            try:
                process(argument)
            except BaseException as error:
                self.fail(error)
                raise
            lock.leave(claim)

        return guarded

    def take(self) -> bool:
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
                if thread_time() >= INLINES_AFTER:
                    self.subtask.inline()
            except BaseException as error:
                self.fail(error)
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
