"""Finds moments at which the state of a push source says exactly what it has collected."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SafePoint:
    """Does something while a source's function is between two records, by its own account of them.

    Its thread may be anywhere, for example between collecting a record and counting it. But it has counted all that it
    has collected when it is about to collect the next record, and when it takes or frees the checkpoint lock, which may
    guard both. Once it has used that lock, the same holds whenever it does not hold it. After its end everything is
    counted.

    ``locked`` calls a function in the source's thread with the worker's lock; callers of ``request`` hold that lock.
    """

    def __init__(self, locked: Callable[[Callable[[], None]], None]) -> None:
        self._locked = locked
        self._checkpoint_lock = RLock()
        self._depth = 0
        self._locking = False
        self._requests: list[Callable[[], None]] = []

    def request(self, action: Callable[[], None]) -> None:
        """Calls ``action`` now, or in the source's thread at the next safe point."""
        # Added first: the thread that frees the lock looks here after that.
        self._requests.append(action)
        if self._locking and self._checkpoint_lock.acquire(blocking=False):
            try:
                self.serve()
            finally:
                self._checkpoint_lock.release()

    def serve(self) -> None:
        """Does what was requested, if this is a safe point; the caller holds the worker's lock."""
        while self._requests and not self._depth:
            self._requests.pop(0)()

    # --- the checkpoint lock, in the source's thread -----------------------------------------------------------------

    def __enter__(self) -> None:
        self._locking = True
        if self._requests:
            self._locked(self.serve)
        self._checkpoint_lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        self._checkpoint_lock.release()
        if self._requests:
            self._locked(self.serve)
