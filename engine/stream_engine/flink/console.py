"""What functions print in a Python worker of Flink's, kept until the next report takes it to the client."""

from __future__ import annotations

import sys
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from stream_engine.task.line_streams import LineStream, install_streams
from stream_engine.utf8 import encode
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator


class Printed:
    """Whole lines of this process, by the kind of frames that take them to the client. For any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: list[tuple[int, str]] = []
        # Of all lines that wait, in characters.
        self.waiting = 0

    def add(self, kind: int, text: str) -> None:
        with self._lock:
            self._kept.append((kind, text))
            self.waiting += len(text)

    def take(self) -> Iterator[tuple[int, bytes]]:
        """What has come since the last call, in order."""
        if not self._kept:
            return
        with self._lock:
            kept, self._kept = self._kept, []
            self.waiting = 0
        for kind, text in kept:
            yield kind, encode(text)


# Of a process: whichever of its subtasks reports next takes along what all have printed.
printed = Printed()


def redirect_streams() -> None:
    """Gives this process, a Python worker of one job, streams whose lines go to the client."""
    if not isinstance(sys.stdout, LineStream):
        install_streams(
            LineStream(partial(printed.add, Kind.CONSOLE), 1), LineStream(partial(printed.add, Kind.ERRORS), 2)
        )
