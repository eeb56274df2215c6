"""Ends a selector's sleep from another thread or a signal handler."""

from __future__ import annotations

from socket import socketpair


class Waker:
    """Readable from ``wake`` to ``clear``. Both are cheap and never block."""

    def __init__(self) -> None:
        self._inside, self._outside = socketpair()
        self._inside.setblocking(False)
        self._outside.setblocking(False)

    def fileno(self) -> int:
        return self._inside.fileno()

    @property
    def trigger(self) -> int:
        """The descriptor for ``signal.set_wakeup_fd``: writing to it wakes the selector."""
        return self._outside.fileno()

    def wake(self) -> None:
        try:
            self._outside.send(b"\0")
        except OSError:
            # It is full, so the selector is awake or about to wake; or closed, so there is none any more.
            return

    def clear(self) -> None:
        try:
            self._inside.recv(4096)
        except BlockingIOError:
            return

    def close(self) -> None:
        self._inside.close()
        self._outside.close()
