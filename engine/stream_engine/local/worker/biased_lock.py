"""A lock that its holder keeps between records: one thread of a worker processes records at a time.

A push source runs in a thread of its own and takes its records through the chain itself. An ordinary lock round every
record would cost more than most functions. Here the holder keeps the lock until another thread asks for it: to enter
and to leave, it sets a flag of its own and looks who the holder is. A thread that asks sets the holder first and looks
at the flag then; a thread that enters sets its flag first and looks at the holder then. So one of the two always sees
the other.
"""

from __future__ import annotations

from threading import Event, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# How often a thread that waits for the lock may do something else, in seconds.
_MEANWHILE = 0.1


class Claim:
    """A thread's claim to the lock: ``inside`` while it processes a record, ``gone`` is set when it has left."""

    __slots__ = ("gone", "inside")

    def __init__(self) -> None:
        self.inside = False
        self.gone = Event()


class BiasedLock:
    """The lock of one worker. Callers inline the fast path: ``claim.inside = True`` and ``holder is claim``."""

    def __init__(self) -> None:
        self.holder = Claim()
        self._queue = Lock()
        # Guards the change of the holder, not the waiting for the one before.
        self._change = Lock()
        # The holder that the present one waits for.
        self._awaited: Claim | None = None
        self._ended = False

    def take(self, claim: Claim, meanwhile: Callable[[], object] | None = None) -> None:
        """Waits until the holder is between two records, and makes ``claim`` the holder. It is inside on return.

        A long wait calls ``meanwhile`` several times a second; if that raises, the holder stays what it was.
        """
        if claim.inside:
            # Seen by whoever has asked meanwhile and waits for us.
            claim.inside = False
            claim.gone.set()
        while not self._queue.acquire(timeout=-1 if meanwhile is None else _MEANWHILE):
            assert meanwhile is not None
            meanwhile()
        try:
            with self._change:
                claim.inside = True
                if self._ended:
                    return
                previous = self.holder
                previous.gone.clear()
                self.holder = claim
                if previous is claim or not previous.inside:
                    return
                self._awaited = previous
                # ``end`` puts another event in its place.
                gone = previous.gone
            self._wait(gone, previous, claim, meanwhile)
        finally:
            self._queue.release()

    def _wait(self, gone: Event, previous: Claim, claim: Claim, meanwhile: Callable[[], object] | None) -> None:
        holder = previous
        try:
            while not gone.wait(None if meanwhile is None else _MEANWHILE):
                assert meanwhile is not None
                meanwhile()
            holder = claim
        finally:
            with self._change:
                self._awaited = None
                if holder is not claim:
                    self.holder, claim.inside = holder, False

    def end(self, claim: Claim) -> Claim | None:
        """From now on ``take`` returns at once and excludes nobody: its callers must see that the job is over.

        ``claim`` is the caller's. Returns the claim of a thread that is in the middle of a record, until its ``gone``
        is set.
        """
        with self._change:
            self._ended = True
            busy = self._awaited or self.holder
            self.holder = Claim()
            if busy is not claim:
                waiting, busy.gone = busy.gone, Event()
                waiting.set()
        self.leave(claim)
        if busy is claim:
            return None
        if not busy.inside:
            busy.gone.set()
        return busy

    def give_up(self, claim: Claim) -> None:
        """Does what ``leave`` does; and even ``claim`` has to take the lock again before it can enter."""
        with self._change:
            if self.holder is claim:
                self.holder = Claim()
        self.leave(claim)

    def leave(self, claim: Claim) -> None:
        """Ends what ``take`` began; ``claim`` stays the holder until another thread asks."""
        claim.inside = False
        if self.holder is not claim:
            claim.gone.set()
