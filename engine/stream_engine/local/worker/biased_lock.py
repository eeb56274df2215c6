"""Whose turn it is: one thread of a worker processes records at a time, without a lock for each of them.

A push source runs in a thread of its own and carries its records through the chain itself. A lock round every record
would cost more than most functions. Instead the holder keeps the turn until another thread asks for it: entering and
leaving are a flag of one's own and a look at who the holder is. Asking sets the holder first and looks at the flag
then, entering sets the flag first and looks at the holder then; so one of the two always sees the other.
"""

from __future__ import annotations

from threading import Event, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# How often a thread that waits for the turn may do something else, in seconds.
_MEANWHILE = 0.1


class Claim:
    """A thread that takes turns."""

    __slots__ = ("gone", "inside")

    def __init__(self) -> None:
        self.inside = False
        self.gone = Event()


class BiasedLock:
    """The turn of one worker. The fast path, ``seat.inside = True`` and ``holder is seat``, is the user's to inline."""

    def __init__(self) -> None:
        self.holder = Claim()
        self._queue = Lock()
        # Guards the change of the holder, not the waiting for the one before.
        self._change = Lock()
        # The holder that the present one waits for.
        self._awaited: Claim | None = None
        self._ended = False

    def take(self, seat: Claim, meanwhile: Callable[[], object] | None = None) -> None:
        """Waits until the holder is between two records, and makes ``seat`` the holder. It is inside on return.

        A long wait calls ``meanwhile`` several times a second; if that raises, the holder stays what it was.
        """
        if seat.inside:
            # Seen by whoever has asked meanwhile and waits for us.
            seat.inside = False
            seat.gone.set()
        while not self._queue.acquire(timeout=-1 if meanwhile is None else _MEANWHILE):
            assert meanwhile is not None
            meanwhile()
        try:
            with self._change:
                seat.inside = True
                if self._ended:
                    return
                previous = self.holder
                previous.gone.clear()
                self.holder = seat
                if previous is seat or not previous.inside:
                    return
                self._awaited = previous
                # Another event takes its place when the turn ends.
                gone = previous.gone
            self._wait(gone, previous, seat, meanwhile)
        finally:
            self._queue.release()

    def _wait(self, gone: Event, previous: Claim, seat: Claim, meanwhile: Callable[[], object] | None) -> None:
        holder = previous
        try:
            while not gone.wait(None if meanwhile is None else _MEANWHILE):
                assert meanwhile is not None
                meanwhile()
            holder = seat
        finally:
            with self._change:
                self._awaited = None
                if holder is not seat:
                    self.holder, seat.inside = holder, False

    def end(self, seat: Claim) -> Claim | None:
        """From now on nobody waits for the turn, so whoever takes it must see for itself that there is none.

        Called by ``seat``. Returns another one that is in the middle of a record, until its ``gone`` is set.
        """
        with self._change:
            self._ended = True
            busy = self._awaited or self.holder
            self.holder = Claim()
            if busy is not seat:
                waiting, busy.gone = busy.gone, Event()
                waiting.set()
        self.leave(seat)
        if busy is seat:
            return None
        if not busy.inside:
            busy.gone.set()
        return busy

    def give_up(self, seat: Claim) -> None:
        """As ``leave``, but even ``seat`` has to take the turn again before it can enter."""
        with self._change:
            if self.holder is seat:
                self.holder = Claim()
        self.leave(seat)

    def leave(self, seat: Claim) -> None:
        """Ends what ``take`` began; the seat stays the holder until another asks."""
        seat.inside = False
        if self.holder is not seat:
            seat.gone.set()
