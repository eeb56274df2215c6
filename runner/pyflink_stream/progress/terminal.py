"""A terminal on which standard output and standard error share the screen with a view that stays below them.

Whatever is written through the two streams is written whole: the view makes room for it and comes back beneath. While
a line is not yet complete there is no view, since what continues the line must continue it.
"""

from __future__ import annotations

import io
import os
import sys
from select import select
from threading import RLock
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLEAR_BELOW = b"\r\x1b[J"


class Terminal:
    """The terminal behind the file ``descriptor``; for several threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        # A signal handler may write in the middle of a write.
        self._lock = RLock()
        self._lines: tuple[bytes, ...] = ()
        self._widths: tuple[int, ...] = ()
        self._drawn: tuple[int, ...] | None = None
        self._within_line = False

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows, as they are now."""
        try:
            columns, rows = os.get_terminal_size(self._descriptor)
        except OSError:
            columns, rows = 0, 0
        # Some say nothing of their size.
        return columns or 80, rows or 24

    def show(self, lines: Sequence[str], widths: Sequence[int]) -> None:
        """Shows the view, in place of the one before. ``widths`` are the lines' columns."""
        with self._lock:
            self._lines = tuple(line.encode("utf-8", "replace") for line in lines)
            self._widths = tuple(widths)
            if not self._within_line:
                # Written over the one before, not after clearing it, so that nothing flickers.
                self._write_all(self._descriptor, self._up() + self._view(b"\x1b[K") + b"\x1b[J")
                self._drawn = self._widths

    def hide(self) -> None:
        """Takes the view away, for good or until the next ``show``."""
        with self._lock:
            self._lines = ()
            if self._drawn is not None:
                self._write_all(self._descriptor, self._up() + _CLEAR_BELOW)
                self._drawn = None

    def write(self, descriptor: int, data: bytes) -> int:
        """Writes to one of the streams, above the view; how many bytes, which may be fewer, as ``os.write`` does."""
        if not data:
            return 0
        with self._lock:
            before = self._up() + _CLEAR_BELOW if self._drawn is not None else b""
            after = self._view() if self._lines and data.endswith(b"\n") else b""
            # In one piece, so that nothing is seen in between.
            written = os.write(descriptor, before + data + after)
            self._write_all(descriptor, before[written:])
            self._drawn = None
            written = max(0, written - len(before))
            taken = min(written, len(data))
            self._within_line = data[:taken][-1:] != b"\n" if taken else self._within_line
            if after and taken == len(data):
                self._write_all(descriptor, after[written - taken :])
                self._drawn = self._widths
            return taken

    def _view(self, ending: bytes = b"") -> bytes:
        return b"".join(line + ending + b"\n" for line in self._lines)

    def _up(self) -> bytes:
        """To the beginning of what is drawn, whose lines are broken where the terminal has become narrower since.

        Some (tmux) break lines a quarter of a second before they tell their new size. If a view is drawn in between,
        rows of the one before stay: to take away more could take away what is not ours.
        """
        if not self._drawn:
            return b""
        columns, _ = self.size
        rows = sum(max(1, -(-width // columns)) for width in self._drawn)
        return b"\r\x1b[%dA" % rows

    @staticmethod
    def _write_all(descriptor: int, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                select((), (descriptor,), ())


class _Raw(io.RawIOBase):
    """The bottom of a text stream whose top is what everybody writes to."""

    def __init__(self, terminal: Terminal, descriptor: int) -> None:
        self._terminal = terminal
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int:
        return self._terminal.write(self._descriptor, bytes(data))


def take_terminal() -> Terminal:
    """The terminal behind standard error; that, and standard output where it is the same, go through it from now on."""
    terminal = Terminal(sys.stderr.fileno())
    device = os.fstat(sys.stderr.fileno()).st_rdev
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if _is_terminal(stream) and os.fstat(stream.fileno()).st_rdev == device:
            stream.flush()
            setattr(sys, name, _through(terminal, stream))
    return terminal


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # Closed.
        return False


def _through(terminal: Terminal, stream: TextIO) -> TextIO:
    """A stream like ``stream``."""
    buffer = io.BufferedWriter(_Raw(terminal, stream.fileno()))
    line_buffering = getattr(stream, "line_buffering", True)
    write_through = getattr(stream, "write_through", False)
    return io.TextIOWrapper(
        buffer, stream.encoding, stream.errors, line_buffering=line_buffering, write_through=write_through
    )
