"""Ends standard output, and notices when its reader has gone."""

from __future__ import annotations

import select
import signal
import sys

from pyflink_stream import console, exit_codes
from stream_engine.failures.causes import behind
from stream_engine.local.output import forget, signal_of
from stream_engine.local.stop_signals import hangup_ignored


def status_without_reader(error: BaseException) -> int | None:
    """The status of a run that ends because nobody reads standard output: that of a program which a signal ended.

    None when something else raised ``error``, for example a write to another pipe or socket.
    """
    signals = (signal_of(each, sys.stdout) for each in (error, *behind(error)))
    number = next((each for each in signals if each is not None), None)
    if number is None or not _has_no_reader() or (number == signal.SIGHUP and hangup_ignored()):
        return None
    return exit_codes.of_signal(number)


def finish(status: int) -> int:
    """Writes what is still buffered; returns ``status``, or another exit status if that fails."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        lost = signal_of(error, sys.stdout)
        forget(sys.stdout)
        if lost is None:
            console.error(f"standard output cannot be written to: {error.strerror}")
            status = status or exit_codes.FAILED
        elif lost != signal.SIGHUP or not hangup_ignored():
            status = status or exit_codes.of_signal(lost)
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        # What the stream still holds would make the interpreter end with another status.
        forget(sys.stderr)
    return status


def _has_no_reader() -> bool:
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False
