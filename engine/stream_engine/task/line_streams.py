"""The standard streams of a process that hosts subtasks: whole lines of what functions print go to the client."""

from __future__ import annotations

import io
import os
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.task.advice import DEBUGGING

if TYPE_CHECKING:
    from collections.abc import Callable


class LineStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr``, for the ``print`` of user functions in any thread.

    ``hand_on`` takes whole lines, one call at a time. Programs that functions start get the ``descriptor``. After each
    write, ``wait`` may hold up the thread that has written.
    """

    encoding = "utf-8"

    def __init__(
        self, hand_on: Callable[[str], None], descriptor: int, wait: Callable[[], None] = lambda: None
    ) -> None:
        self._hand_on = hand_on
        self._descriptor = descriptor
        self._wait = wait
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
                self._hand_on(whole + newline)
        self._wait()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            if self._line:
                self._hand_on(self._line)
                self._line = ""


def install_streams(out: LineStream, err: LineStream) -> None:
    """Makes them the standard streams of this process, which no debugger can talk through."""
    sys.stdout = sys.__stdout__ = out  # pyright: ignore[reportAttributeAccessIssue]
    sys.stderr = sys.__stderr__ = err  # pyright: ignore[reportAttributeAccessIssue]
    # A debugger that PYTHONBREAKPOINT names may have a terminal elsewhere; pdb would read the end of an empty input.
    if not os.environ.get("PYTHONBREAKPOINT"):
        sys.breakpointhook = _refuse_breakpoint


def _refuse_breakpoint(*arguments: Any, **options: Any) -> NoReturn:
    raise RuntimeError(f"breakpoint() cannot stop here. {DEBUGGING}")
