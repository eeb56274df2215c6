"""What the launcher's exit status says."""

from __future__ import annotations

import signal

FINISHED = 0
FAILED = 1
"""The job failed, or the script raised; or a check found something."""
USAGE = 2
"""The command line or the configuration is wrong, or a file that they name is missing; nothing was run."""


def of_signal(number: int) -> int:
    """The status of a run that a signal ended, as shells give it."""
    return 128 + number


INTERRUPTED = of_signal(signal.SIGINT)
TERMINATED = of_signal(signal.SIGTERM)
