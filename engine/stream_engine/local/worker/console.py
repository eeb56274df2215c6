"""Standard output: whole lines, which workers send to the coordinator, as it alone writes to the terminal or pipe."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from stream_engine.task.line_streams import LineStream, install_streams
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


def console_stream(control: Connection, kind: int, descriptor: int) -> LineStream:
    """The stream of a worker whose lines go to the coordinator in frames of that ``kind``."""

    def send(text: str) -> None:
        control.send(kind, 0, encode(text))

    return LineStream(send, descriptor, partial(wait_for_reader, control))


def wait_for_reader(control: Connection) -> None:
    """Waits, in the thread that has written, while much of what this worker has written is not read."""
    # Only the loop's thread could do other work meanwhile.
    control.drain(_BACKLOG)


def redirect_streams(control: Connection) -> None:
    """Gives this process, which is a worker's, streams of its own."""
    install_streams(console_stream(control, Kind.CONSOLE, 1), console_stream(control, Kind.ERRORS, 2))


def flush_streams() -> None:
    """Also sends what is not yet a whole line."""
    # Functions may have replaced our streams by their own, or by None.
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None and hasattr(stream, "flush") and not getattr(stream, "closed", False):
            stream.flush()
