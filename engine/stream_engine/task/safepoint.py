"""When the state of a push source says exactly what it has collected."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SafePoint:
    """Does something while a source's function is between two records, by its own account of them.

    Its thread may be anywhere, as between collecting a record and counting it. But whatever it has collected is
    counted when it is about to collect the next record, and when it takes or frees the lock that it may guard both
    with; once it has used the lock, also whenever it does not hold it. After its end everything is counted.

    ``in_turn`` calls what it is given in the turn of the source's thread, ``request`` is called in that of the worker.
    """

    def __init__(self, in_turn: Callable[[Callable[[], None]], None]) -> None:
        self._in_turn = in_turn
        self._lock = RLock()
        self._depth = 0
        self._locking = False
        self._requests: list[Callable[[], None]] = []

    def request(self, action: Callable[[], None]) -> None:
        """Calls ``action`` now, or in the source's thread at the next such moment."""
        # First: who frees the lock looks here after that.
        self._requests.append(action)
        if self._locking and self._lock.acquire(blocking=False):
            try:
                self.serve()
            finally:
                self._lock.release()

    def serve(self) -> None:
        """Calls what waits, if this is such a moment; the caller has the turn."""
        while self._requests and not self._depth:
            self._requests.pop(0)()

    # --- the lock, in the source's thread ----------------------------------------------------------------------------

    def __enter__(self) -> None:
        self._locking = True
        if self._requests:
            self._in_turn(self.serve)
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        self._lock.release()
        if self._requests:
            self._in_turn(self.serve)
