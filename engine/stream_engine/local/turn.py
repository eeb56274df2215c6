"""Whose turn it is: one thread of a worker processes records at a time, without a lock for each of them.

A push source runs in a thread of its own and carries its records through the chain itself. A lock round every record
would cost more than most functions. Instead the holder keeps the turn until another thread asks for it: entering and
leaving are a flag of one's own and a look at who the holder is. Asking sets the holder first and looks at the flag
then, entering sets the flag first and looks at the holder then; so one of the two always sees the other.
"""

from __future__ import annotations

from threading import Event, Lock


class Seat:
    """A thread that takes turns."""

    __slots__ = ("gone", "inside")

    def __init__(self) -> None:
        self.inside = False
        self.gone = Event()


class Turn:
    """The turn of one worker. The fast path, ``seat.inside = True`` and ``holder is seat``, is the user's to inline."""

    def __init__(self) -> None:
        self.holder = Seat()
        self._queue = Lock()
        # Guards the change of the holder, not the waiting for the one before.
        self._change = Lock()

    def take(self, seat: Seat) -> None:
        """Waits until the holder is between two records, and makes ``seat`` the holder. It is inside on return."""
        if seat.inside:
            # Seen by whoever has asked meanwhile and waits for us.
            seat.inside = False
            seat.gone.set()
        with self._queue:
            with self._change:
                previous = self.holder
                previous.gone.clear()
                self.holder = seat
                seat.inside = True
            if previous is not seat and previous.inside:
                previous.gone.wait()

    def give_up(self, seat: Seat) -> None:
        """As ``leave``, but even ``seat`` has to take the turn again before it can enter."""
        with self._change:
            if self.holder is seat:
                self.holder = Seat()
        self.leave(seat)

    def leave(self, seat: Seat) -> None:
        """Ends what ``take`` began; the seat stays the holder until another asks."""
        seat.inside = False
        if self.holder is not seat:
            seat.gone.set()
