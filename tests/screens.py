"""Terminals as people see them: what was written to one, as its rows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from typing import TYPE_CHECKING

import pyte
from launched import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from launched import Command


class Screen:
    """The outside of a terminal, ``inside`` being the descriptor that programs write to.

    Lines that have left the screen at its top are kept: ``lines`` are all that a person could scroll back to.
    """

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self._outside, self.inside = pty.openpty()
        self._screen = pyte.HistoryScreen(columns, rows, history=100_000)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._set_size(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Lines that are too long from then on lose their ends, where terminals for people would break them."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float = 0) -> bool:
        """Takes in what was written, waiting for ``seconds`` at most; whether there was anything."""
        readable, _, _ = select.select((self._outside,), (), (), seconds)
        if not readable:
            return False
        try:
            data = os.read(self._outside, 65536)
        except OSError:  # Nobody holds the inside any more.
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def press(self, keys: str) -> None:
        os.write(self._outside, keys.encode())

    @property
    def rows(self) -> list[str]:
        """The visible text, without spaces at the ends of lines or empty lines at the end."""
        return "\n".join(row.rstrip() for row in self._screen.display).rstrip().split("\n")

    @property
    def lines(self) -> list[str]:
        columns = range(self._screen.columns)
        above = ["".join(row[column].data for column in columns).rstrip() for row in self._screen.history.top]
        return [*above, *self.rows]

    def close(self) -> None:
        for descriptor in (self._outside, self.inside):
            if descriptor >= 0:
                os.close(descriptor)


class Session:
    """The real command with a terminal as its standard output, error and input, or as some of them."""

    def __init__(self, command: Command, *args: str | Path, screen: Screen, **environment: str) -> None:
        self.screen = screen
        popen = dict.fromkeys(("stdin", "stdout", "stderr"), screen.inside)
        # Its keyboard's Ctrl-C is for this process, and not for the tests.
        options = {**popen, "preexec_fn": _take_terminal}
        shown = {"TERM": "xterm-256color", "NO_COLOR": "", **environment}
        self.process = command.start(*args, popen=options, **shown)

    def wait_for(self, condition: Callable[[list[str]], object]) -> list[str]:
        """The rows of the screen at the moment when ``condition`` holds for them."""
        deadline = time.monotonic() + PATIENCE
        while not condition(self.screen.rows):
            assert time.monotonic() < deadline, "\n".join(self.screen.rows)
            if not self.screen.read(0.05) and self.process.poll() is not None and not self.screen.read(0):
                assert condition(self.screen.rows), "\n".join(self.screen.rows)
        return self.screen.rows

    def finish(self) -> int:
        """Reads to the end; gives the exit status."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "\n".join(self.screen.rows)
            self.screen.read(0.05)
        while self.screen.read(0):
            pass
        return self.process.returncode


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def without_control(raw: bytes) -> str:
    """What a program has written, without what moves the cursor or sets colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw.decode()).replace("\r", "")
