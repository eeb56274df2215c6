"""Standard output and standard error of the script's process, for what workers write."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from select import select
from typing import TYPE_CHECKING, Any

from stream_engine.local.stop_signals import hangup_ignored

if TYPE_CHECKING:
    from typing import TextIO

# That of OSError itself, as in ``causes``.
_errno: Any = getattr(OSError, "errno")  # noqa: B009


class WriteInterrupted(BaseException):
    """Raised by a signal while writing to standard output blocks: a slow reader must not keep the job from stopping."""


class Output:
    """Standard output, until its reader goes away."""

    def __init__(self) -> None:
        self._writing = False
        self._discarding = False

    def interrupt(self) -> None:
        """Called by a signal handler. Raises WriteInterrupted if a write waits for a reader.

        A write that does not block is completed, and others may follow.
        """
        if self._writing and not self._is_writable():
            raise WriteInterrupted

    def write(self, data: bytes) -> int | None:
        """Writes whole lines; returns None, or the signal that ends a program whose output nobody reads."""
        if self._discarding or sys.stdout is None:
            return None
        try:
            self._writing = True
            put(data, sys.stdout)
        except WriteInterrupted:
            self._discarding = True
        except OSError as error:
            lost = signal_of(error, sys.stdout)
            if lost is not None:
                self._discarding = True
                forget(sys.stdout)
                return None if lost == signal.SIGHUP and hangup_ignored() else lost
            raise OSError(error.errno, f"standard output cannot be written to: {error.strerror}") from None
        finally:
            self._writing = False
        return None

    def _is_writable(self) -> bool:
        try:
            _, writable, _ = select((), (sys.stdout.fileno(),), (), 0)
        except (OSError, ValueError):
            return False
        return bool(writable)


def signal_of(error: BaseException, stream: Any) -> int | None:
    """The signal with the meaning of ``error`` on ``stream``: SIGPIPE, no reader; SIGHUP, a closed terminal.

    Runs none of the error's own code, whatever it has in place of ``__class__`` or ``errno``.
    """
    if issubclass(type(error), BrokenPipeError):
        return signal.SIGPIPE
    if not issubclass(type(error), OSError):
        return None
    number = _errno.__get__(error)
    return signal.SIGHUP if number in (errno.EIO, errno.ENXIO) and _is_device(stream) else None


def _is_device(stream: Any) -> bool:
    # Not isatty(), which is false of a terminal that has closed.
    try:
        return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):
        return False


def write_error(data: bytes) -> None:
    """Writes whole lines to standard error; ignores that nobody may read them."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(data.decode("utf-8", "surrogateescape"))
            sys.stderr.flush()
    except (OSError, ValueError):
        return


def tell(line: str) -> None:
    """Writes a line of ours to standard error."""
    write_error(f"{line}\n".encode("utf-8", "surrogateescape"))


def put(data: bytes, stream: TextIO) -> None:
    """Writes text in utf-8 to the current standard output, whatever its encoding."""
    binary = getattr(stream, "buffer", None)
    if binary is not None:
        binary.write(data)
    else:
        stream.write(data.decode("utf-8", "surrogateescape"))
    stream.flush()


def forget(stream: TextIO | None) -> None:
    """Keeps the interpreter from complaining at its end that it cannot flush ``stream``, whose reader is gone."""
    if stream is None:
        return
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    except (OSError, ValueError):
        return
