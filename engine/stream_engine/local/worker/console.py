"""Standard output: whole lines, which workers send to the coordinator, as it alone writes to the terminal or pipe."""

from __future__ import annotations

import io
import os
import sys
from select import select
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.utf8 import encode
from stream_engine.wire.connection import CONSOLE, ERRORS

if TYPE_CHECKING:
    from stream_engine.local.worker.process import Worker

DEBUGGING = "Workers have no terminal for a debugger: run with --local-debug"
# Unsent bytes after which a worker waits for the reader of its output.
_BACKLOG = 1024 * 1024


class ConsoleWriter:
    """Where the lines of ``output()`` go."""

    buffers = False

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def write(self, lines: list[str]) -> None:
        control = self._worker.control
        lines.append("")
        control.send(CONSOLE, 0, encode("\n".join(lines)))
        while control.backlog > _BACKLOG and not self._worker.cancelled:
            self._worker.work_downstream(None)

    def flush(self) -> None:
        """Everything was sent."""

    def position(self) -> None:
        """What was written cannot be taken back."""

    def close(self) -> None:
        """Nothing is held back, and the connection is the worker's."""


class ConsoleStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a worker, for the ``print`` of user functions in any thread.

    ``kind`` is that of the frames; programs that functions start get the ``descriptor``.
    """

    encoding = "utf-8"

    def __init__(self, worker: Worker, kind: int, descriptor: int) -> None:
        self._worker = worker
        self._kind = kind
        self._descriptor = descriptor
        self._lock = Lock()
        self._line = ""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        with self._lock:
            self._line += text
            whole, newline, self._line = self._line.rpartition("\n")
            if newline:
                self._send(whole + newline)
        wait_for_reader(self._worker)
        return len(text)

    def flush(self) -> None:
        with self._lock:
            if self._line:
                self._send(self._line)
                self._line = ""

    def _send(self, text: str) -> None:
        self._worker.control.send(self._kind, 0, encode(text))


def wait_for_reader(worker: Worker) -> None:
    """Waits while much of what this worker has said has not been read; in whichever thread has said it."""
    control = worker.control
    while control.backlog > _BACKLOG and not control.closed:
        # Only the loop could do other work meanwhile.
        select((), (control,), (), 0.1)
        control.write()


def redirect_streams(worker: Worker) -> None:
    """Gives this process, which is ``worker``'s, streams of its own."""
    sys.stdout = sys.__stdout__ = ConsoleStream(worker, CONSOLE, 1)  # pyright: ignore[reportAttributeAccessIssue]
    sys.stderr = sys.__stderr__ = ConsoleStream(worker, ERRORS, 2)  # pyright: ignore[reportAttributeAccessIssue]
    # A debugger that PYTHONBREAKPOINT names may have a terminal elsewhere; pdb would read the end of an empty input.
    if not os.environ.get("PYTHONBREAKPOINT"):
        sys.breakpointhook = _refuse_breakpoint


def _refuse_breakpoint(*arguments: Any, **options: Any) -> NoReturn:
    raise RuntimeError(f"breakpoint() cannot stop here. {DEBUGGING}")


def flush_streams() -> None:
    """Sends on also what is not yet a whole line."""
    # Functions may have put streams of their own in place of ours, or None.
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None and hasattr(stream, "flush") and not getattr(stream, "closed", False):
            stream.flush()
