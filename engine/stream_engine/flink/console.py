"""What functions print in a Python worker of Flink's, kept until the next report takes it to the client."""

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
    from collections.abc import Iterator


class Printed:
    """Whole lines of this process, by the kind of frames that take them to the client. For any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: list[tuple[int, str]] = []

    def add(self, kind: int, text: str) -> None:
        with self._lock:
            self._kept.append((kind, text))

    def take(self) -> Iterator[tuple[int, bytes]]:
        """What has come since the last call, in order."""
        if not self._kept:
            return
        with self._lock:
            kept, self._kept = self._kept, []
        for kind, text in kept:
            yield kind, encode(text)


# Of a process: whichever of its subtasks reports next takes along what all have printed.
printed = Printed()


class PrintedStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a Python worker; programs that functions start get the ``descriptor``."""

    encoding = "utf-8"

    def __init__(self, kind: int, descriptor: int) -> None:
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
                printed.add(self._kind, whole + newline)
        return len(text)

    def flush(self) -> None:
        with self._lock:
            if self._line:
                printed.add(self._kind, self._line)
                self._line = ""


def redirect_streams() -> None:
    """Gives this process, a Python worker of one job, streams whose lines go to the client."""
    if isinstance(sys.stdout, PrintedStream):
        return
    sys.stdout = sys.__stdout__ = PrintedStream(Kind.CONSOLE, 1)  # pyright: ignore[reportAttributeAccessIssue]
    sys.stderr = sys.__stderr__ = PrintedStream(Kind.ERRORS, 2)  # pyright: ignore[reportAttributeAccessIssue]
    if not os.environ.get("PYTHONBREAKPOINT"):
        sys.breakpointhook = _refuse_breakpoint


def _refuse_breakpoint(*arguments: Any, **options: Any) -> NoReturn:
    raise RuntimeError(f"breakpoint() cannot stop here. {DEBUGGING}")
