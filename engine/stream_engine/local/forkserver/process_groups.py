"""The process group that each worker leads, with the programs that its functions start.

A worker leads a session of its own. So Ctrl-C and a closing terminal reach the script's process alone, which decides
how the job ends; a function that reads the terminal is not stopped by it; and what a worker leaves behind is found. A
program that makes a session of its own (``setsid``, ``start_new_session=True``) leaves the group, and is left alone.
"""

from __future__ import annotations

import os
import signal


def signal_group(leader: int, number: int) -> bool:
    """Sends a signal to all processes of a worker's group; returns whether there are any. 0 only asks."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        # There is none, or none of ours: a program may have changed its user.
        return False
    return True


def kill_worker(pid: int) -> None:
    """Kills a worker and what it has started."""
    # The worker itself, too: right after the fork it does not lead its group yet.
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
