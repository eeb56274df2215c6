"""The push sources of a worker, beside whose threads its loop takes turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.local.worker.biased_lock import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.local.worker.biased_lock import BiasedLock
    from stream_engine.local.worker.push_source import PushSource

# How long a record of a push source may wait for others before its buffer is sent, in seconds.
_QUIET = 0.001


class PushSources:
    """Those that have not come to their end. While there are any, whoever touches the worker's state has the ``turn``.

    ``wake`` ends the loop's sleep in ``select``; from any thread. ``look`` raises Cancelled when the job is over; it is
    called while a source keeps the loop waiting for the turn.
    """

    def __init__(
        self,
        turn: BiasedLock,
        select: Callable[[float | None], object],
        wake: Callable[[], None],
        look: Callable[[], None],
    ) -> None:
        self._turn = turn
        self._select = select
        self._wake = wake
        self._look = look
        self._seat = Claim()
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
            self._turn.take(self._seat)
        for source in self._sources:
            source.start()

    def sleep(self, timeout: float | None) -> None:
        """Leaves the turn to the sources for a moment, and until one of them or a socket or timer has something."""
        turn, seat = self._turn, self._seat
        if timeout == 0:
            if turn.holder is not seat:
                # A source waits; or this worker's other work would keep it waiting to the end.
                turn.leave(seat)
                self._select(_QUIET)
                turn.take(seat, self._meanwhile)
        else:
            turn.leave(seat)
            self._select(_QUIET if timeout is None else min(_QUIET, timeout))
            if turn.holder is seat:
                # No source came by since the last flush: the next record of one is to wake this thread.
                self._armed = True
                if turn.holder is seat and not any(source.done for source in self._sources):
                    self._select(timeout)
                self._armed = False
            turn.take(seat, self._meanwhile)

    def _meanwhile(self) -> None:
        """The record of a source takes long: its function, or a full receiver, keeps the loop from all else."""
        self._look()
        for source in self._sources:
            if source.error is not None:
                raise source.error

    def on_awake(self) -> None:
        """A source's thread has taken the turn, and will process records until the loop takes it back."""
        if self._armed:
            self._armed = False
            self._wake()

    def reap(self) -> None:
        """Finishes what is behind sources that have come to their end. Raises what a source has raised."""
        for source in [source for source in self._sources if source.done and not source.subtask.paused]:
            if source.error is not None:
                raise source.error
            source.settle()
            # It may have to wait for a checkpoint as a whole now.
            if not source.subtask.paused:
                self._sources.remove(source)
                # Not closed before: its state is remembered.
                source.subtask.finish()
                source.close()

    def release(self) -> Claim | None:
        """Lets sources that wait for the turn, or for a checkpoint, find that the job is over.

        Returns the seat of the thread that may be in the middle of a record, which is so until ``gone`` is set.
        """
        busy = self._turn.end(self._seat)
        for source in self._sources:
            source.subtask.resumed.set()
        return busy
