"""Tells a worker that the process which forked it has died: that process holds the other end of a pipe."""

from __future__ import annotations

import fcntl
import os
import select
import signal


def bind_to(lifeline: int) -> None:
    """Lets the system kill this process's group when the other end of ``lifeline`` closes.

    This works even while no Python code can run, as in a call that never returns. Only Linux can do it; elsewhere
    ``wait`` notices.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def wait(lifeline: int, timeout: int) -> None:
    """Returns after ``timeout`` ms, unless the other end closes: then it kills this process's group."""
    poll = select.poll()
    poll.register(lifeline, 0)
    if poll.poll(timeout):
        os.killpg(os.getpgrp(), signal.SIGKILL)
