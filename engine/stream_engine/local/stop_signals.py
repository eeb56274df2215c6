"""The signals that ask a job to stop: Ctrl-C, a request to terminate, and a terminal that closes."""

from __future__ import annotations

import signal
from time import monotonic

# Signals within so many seconds of each other are one request.
_ONE_REQUEST = 0.1


def hangup_ignored() -> bool:
    """Whether this process has to outlive its terminal, as under nohup."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def stop_signals() -> tuple[int, ...]:
    """The signals that stop a job of this process; not SIGQUIT, which ends a process at once with a core dump."""
    always = (signal.SIGINT, signal.SIGTERM)
    return always if hangup_ignored() else (*always, signal.SIGHUP)


class Requests:
    """Tells a second request to stop from a signal that only repeats the first.

    A terminal that closes sends SIGHUP twice, by the shell and by the system, and a system that shuts down sends
    SIGTERM as well. Programs such as ``timeout`` send SIGTERM to the process and to its group. None of this is a
    person who loses patience.
    """

    def __init__(self) -> None:
        # When the last signal came that a closing terminal does not send.
        self._asked_at: float | None = None

    def repeats(self, number: int) -> bool:
        """Whether this signal only repeats the request of those before it, if there were any."""
        if number == signal.SIGHUP:
            return True
        last, self._asked_at = self._asked_at, monotonic()
        return last is None or self._asked_at - last < _ONE_REQUEST
