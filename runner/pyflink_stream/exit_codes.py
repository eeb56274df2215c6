"""The launcher's exit statuses."""

from __future__ import annotations

import os
import signal
from typing import NoReturn

FINISHED = 0
FAILED = 1
"""The job failed, or the script raised; or a check found something."""
USAGE = 2
"""The command line or the configuration is wrong, or a file that they name is missing; nothing was run."""


def of_signal(number: int) -> int:
    """The status of a run that a signal ended, as shells give it."""
    return 128 + number


INTERRUPTED = of_signal(signal.SIGINT)


def hold(status: int) -> None:
    """From now on this process ends with ``status`` where it would end with 0.

    Destructors and exit handlers of the script may call ``os._exit(0)`` at the end of the process.
    """
    own, leave = os.getpid(), os._exit

    def leave_with_status(code: int) -> NoReturn:
        leave(code or status if os.getpid() == own else code)

    os._exit = leave_with_status
