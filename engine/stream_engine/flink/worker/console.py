"""The lines of a Python worker of Flink's: those that wait for the next report, and those that were told last."""

from __future__ import annotations

import sys
from collections import deque
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from stream_engine.task.line_streams import LineStream, install_streams
from stream_engine.utf8 import encode
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

# How much of what was told last is kept, in bytes: it becomes part of an exception's text.
_LAST = 32 * 1024


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


class LastLines:
    """The end of all that a subtask has told: a job that fails loses what is on its way to the client.

    ``told`` is the size of all of it, in bytes.
    """

    def __init__(self) -> None:
        self.told = 0
        self._kept: deque[tuple[int, bytes]] = deque()
        self._size = 0

    def add(self, kind: int, lines: bytes) -> None:
        self.told += len(lines)
        self._kept.append((kind, lines))
        self._size += len(lines)
        while self._size > _LAST:
            kind, lines = self._kept.popleft()
            self._size -= len(lines)
            room = max(0, _LAST - self._size)
            # Whole lines of it, or the end of a single one that is longer.
            if rest := lines[len(lines) - room :].partition(b"\n")[2] or (b"" if self._kept else lines[-room:]):
                self._kept.appendleft((kind, rest))
                self._size += len(rest)

    def take(self) -> tuple[int, list[tuple[int, bytes]]]:
        """How much was told before the lines that are kept, and those, by kinds."""
        return self.told - self._size, list(self._kept)


# Of a process: whichever of its subtasks reports next takes along what all have printed.
printed = Printed()


def redirect_streams() -> None:
    """Gives this process, a Python worker of one job, streams whose lines go to the client."""
    if not isinstance(sys.stdout, LineStream):
        install_streams(
            LineStream(partial(printed.add, Kind.CONSOLE), 1), LineStream(partial(printed.add, Kind.ERRORS), 2)
        )
