"""The push sources of a worker, whose threads share the worker's lock with its loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.local.worker.biased_lock import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.local.worker.biased_lock import BiasedLock
    from stream_engine.local.worker.push_source import PushSource

# How long a record of a push source may wait for others before its buffer is sent, in seconds.
_QUIET = 0.001
# How long to wait for ``run`` to end with the error of a record that it has collected, in seconds. It may catch it.
_UNWINDING = 0.5


class PushSources:
    """The push sources that have not ended. While there are any, a thread needs ``lock`` to touch the worker's state.

    ``wake`` ends the loop's sleep in ``select``; from any thread. ``look`` raises Cancelled when the job is over; it is
    called while a source keeps the loop waiting for the lock.
    """

    def __init__(
        self,
        lock: BiasedLock,
        select: Callable[[float | None], object],
        wake: Callable[[], None],
        look: Callable[[], None],
    ) -> None:
        self._lock = lock
        self._select = select
        self._wake = wake
        self._look = look
        self._claim = Claim()
        self._sources: list[PushSource] = []
        self._armed = False

    def __bool__(self) -> bool:
        return bool(self._sources)

    def __iter__(self) -> Iterator[PushSource]:
        return iter(self._sources)

    def add(self, source: PushSource) -> None:
        self._sources.append(source)

    def start(self) -> None:
        if self._sources:
            self._lock.take(self._claim)
        for source in self._sources:
            source.start()

    def sleep(self, timeout: float | None) -> None:
        """Leaves the lock to the sources for a moment, and until one of them, a socket or a timer has something."""
        lock, claim = self._lock, self._claim
        if timeout == 0:
            if claim.away:
                # A source waits, and the worker's other work must not keep it waiting to the end.
                lock.leave(claim)
                self._select(_QUIET)
                lock.take(claim, self._meanwhile)
        else:
            lock.leave(claim)
            self._select(_QUIET if timeout is None else min(_QUIET, timeout))
            if not claim.away:
                # No source has come since the last flush: the next record of one has to wake this thread.
                self._armed = True
                if not claim.away and not any(source.done for source in self._sources):
                    self._select(timeout)
                self._armed = False
            lock.take(claim, self._meanwhile)

    def _meanwhile(self) -> None:
        """Called while a record takes long: its function, or a full receiver, keeps the loop from all else."""
        self._look()
        for source in self._sources:
            _raise_error_of(source)

    def on_awake(self) -> None:
        """A source's thread has taken the lock, and will process records until the loop takes it back."""
        if self._armed:
            self._armed = False
            self._wake()

    def reap(self) -> None:
        """Finishes the subtasks of sources that have ended. Raises what a source has raised."""
        for source in [source for source in self._sources if source.done and not source.subtask.paused]:
            _raise_error_of(source)
            source.settle()
            # The subtask may have to wait for a checkpoint now.
            if not source.subtask.paused:
                self._sources.remove(source)
                # Closed only now: a checkpoint still needed its state.
                source.subtask.finish()
                source.close()

    def release(self) -> Claim | None:
        """Lets sources that wait for the lock, or for a checkpoint, find that the job is over.

        Returns the claim of the thread that may be in the middle of a record, until ``gone`` is set.
        """
        busy = self._lock.end(self._claim)
        for source in self._sources:
            source.subtask.resumed.set()
        return busy


def _raise_error_of(source: PushSource) -> None:
    """Raises what a source has raised, if it has; of a record's error, ``run`` adds its own frames to the traceback."""
    if source.error is not None:
        source.join(_UNWINDING)
        raise source.error
