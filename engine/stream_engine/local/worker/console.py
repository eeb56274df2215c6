"""Standard output: whole lines, which workers send to the coordinator, as it alone writes to the terminal or pipe."""

from __future__ import annotations

import io
import os
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.task.advice import DEBUGGING
from stream_engine.utf8 import encode
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.wire.connection import Connection

# Unsent bytes after which a worker waits for the reader of its output.
_BACKLOG = 1024 * 1024


class ConsoleWriter:
    """Where the lines of ``output()`` go."""

    buffers = False

    def __init__(
        self, control: Connection, is_cancelled: Callable[[], bool], work_downstream: Callable[[int | None], None]
    ) -> None:
        self._control = control
        self._is_cancelled = is_cancelled
        self._work_downstream = work_downstream

    def write(self, lines: list[str]) -> None:
        control = self._control
        lines.append("")
        control.send(Kind.CONSOLE, 0, encode("\n".join(lines)))
        while control.backlog > _BACKLOG and not self._is_cancelled():
            self._work_downstream(None)

    def flush(self) -> None:
        """Does nothing: every line was sent."""

    def position(self) -> None:
        """None: what was written cannot be taken back."""

    def complete(self, position: int) -> None:
        """Does nothing: lines show as soon as they are written."""

    def close(self) -> None:
        """Does nothing: no line is held back, and the connection is the worker's."""


class ConsoleStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a worker, for the ``print`` of user functions in any thread.

    ``kind`` is that of the frames; programs that functions start get the ``descriptor``.
    """

    encoding = "utf-8"

    def __init__(self, control: Connection, kind: int, descriptor: int) -> None:
        self._control = control
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
        wait_for_reader(self._control)
        return len(text)

    def flush(self) -> None:
        with self._lock:
            if self._line:
                self._send(self._line)
                self._line = ""

    def _send(self, text: str) -> None:
        self._control.send(self._kind, 0, encode(text))


def wait_for_reader(control: Connection) -> None:
    """Waits, in the thread that has written, while much of what this worker has written is not read."""
    # Only the loop's thread could do other work meanwhile.
    control.drain(_BACKLOG)


def redirect_streams(control: Connection) -> None:
    """Gives this process, which is a worker's, streams of its own."""
    sys.stdout = sys.__stdout__ = ConsoleStream(control, Kind.CONSOLE, 1)  # pyright: ignore[reportAttributeAccessIssue]
    sys.stderr = sys.__stderr__ = ConsoleStream(control, Kind.ERRORS, 2)  # pyright: ignore[reportAttributeAccessIssue]
    # A debugger that PYTHONBREAKPOINT names may have a terminal elsewhere; pdb would read the end of an empty input.
    if not os.environ.get("PYTHONBREAKPOINT"):
        sys.breakpointhook = _refuse_breakpoint


def _refuse_breakpoint(*arguments: Any, **options: Any) -> NoReturn:
    raise RuntimeError(f"breakpoint() cannot stop here. {DEBUGGING}")


def flush_streams() -> None:
    """Also sends what is not yet a whole line."""
    # Functions may have replaced our streams by their own, or by None.
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None and hasattr(stream, "flush") and not getattr(stream, "closed", False):
            stream.flush()
