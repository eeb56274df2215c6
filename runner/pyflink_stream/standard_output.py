"""The end of standard output: of ours, or of its reader, who may have had enough."""

from __future__ import annotations

import select
import signal
import sys

from pyflink_stream import console, exit_codes
from stream_engine.causes import behind
from stream_engine.local.output import forget

GONE = exit_codes.of_signal(signal.SIGPIPE)
"""The status of programs that nobody reads any more, as those have it that the signal ends."""


def is_gone_for(error: BaseException) -> bool:
    """Whether ``error`` came of a write to standard output that nobody reads, and not to some other pipe or socket."""
    return any(issubclass(type(each), BrokenPipeError) for each in (error, *behind(error))) and _has_no_reader()


def finish(status: int) -> int:
    """Writes what is still buffered; gives the exit status, which is ``status`` unless that fails."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        forget(sys.stdout)
        return status or GONE
    except OSError as error:
        forget(sys.stdout)
        console.error(f"standard output cannot be written to: {error.strerror}")
        return status or exit_codes.FAILED
    return status


def _has_no_reader() -> bool:
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False
