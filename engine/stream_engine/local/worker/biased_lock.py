"""A lock that its holder keeps between records: one thread of a worker processes records at a time.

A push source runs in a thread of its own and takes its records through the chain itself. An ordinary lock round every
record would cost more than most functions. Here the holder keeps the lock until another thread asks for it. Each thread
has two flags: ``inside`` says that it is in the middle of a record, ``away`` that it does not hold the lock.

A thread that enters sets its ``inside`` first and looks at its ``away`` then. A thread that asks sets the ``away`` of
the holder first and looks at the holder's ``inside`` then. So one of the two always sees the other, wherever the
interpreter changes from one thread to the other: either the one that enters finds that it has to wait for its turn, or
the one that asks finds that it has to wait until the other leaves. To leave, ``inside`` is cleared first, and ``away``
looked at then: whoever has asked before is told, and whoever asks later sees that nobody is inside.

The flags are cells, so that they can be variables of generated code: nothing that threads can share is faster.
"""

from __future__ import annotations

from threading import Event, Lock
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# How often a thread that waits for the lock may do something else, in seconds.
_MEANWHILE = 0.1


class Claim:
    """A thread's claim to the lock, with its flags; ``gone`` is set when it has left."""

    __slots__ = ("_away", "_inside", "gone")

    def __init__(self) -> None:
        self._inside, self._away = CellType(False), CellType(True)
        self.gone = Event()

    @property
    def inside(self) -> bool:
        return self._inside.cell_contents

    @inside.setter
    def inside(self, inside: bool) -> None:
        self._inside.cell_contents = inside

    @property
    def away(self) -> bool:
        return self._away.cell_contents

    @away.setter
    def away(self, away: bool) -> None:
        self._away.cell_contents = away

    def share(self, function: FunctionType) -> Any:
        """The same function, whose variables ``inside`` and ``away``, of a function around it, are the flags."""
        code, cells = function.__code__, {"inside": self._inside, "away": self._away}
        return FunctionType(
            code, function.__globals__, function.__name__, closure=tuple(cells[name] for name in code.co_freevars)
        )


class BiasedLock:
    """The lock of one worker. Callers inline the fast path: ``claim.inside = True`` and ``if claim.away: take(claim)``.

    Only the lock sets ``away``.
    """

    def __init__(self) -> None:
        # The claim that is not away; only ``_pass_to`` changes it.
        self.holder = Claim()
        self.holder.away = False
        self._queue = Lock()
        # Guards the change of the holder, not the waiting for the one before.
        self._change = Lock()
        # The holder that the present one waits for.
        self._awaited: Claim | None = None
        self._ended = False

    def _pass_to(self, claim: Claim) -> None:
        self.holder.away = True
        self.holder = claim
        claim.away = False

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
                self._pass_to(claim)
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
                    self._pass_to(holder)
                    claim.inside = False

    def end(self, claim: Claim) -> Claim | None:
        """From now on ``take`` returns at once and excludes nobody: its callers must see that the job is over.

        ``claim`` is the caller's. Returns the claim of a thread that is in the middle of a record, until its ``gone``
        is set.
        """
        with self._change:
            self._ended = True
            busy = self._awaited or self.holder
            self._pass_to(Claim())
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
            if not claim.away:
                self._pass_to(Claim())
        self.leave(claim)

    def leave(self, claim: Claim) -> None:
        """Ends what ``take`` began; ``claim`` stays the holder until another thread asks."""
        claim.inside = False
        if claim.away:
            claim.gone.set()
