"""A terminal on which standard output and standard error share the screen with a view that stays below them.

Text that is written to the two streams appears unchanged: the view makes room for it and comes back below. While a line
is not complete there is no view, as the next text must continue that line.

The cursor waits on an empty row above the view. What others write to the terminal, such as programs that functions
start or the keyboard's echo, appears there like any other line. And nobody has to know how many rows the view takes
after a terminal has become narrower: some (tmux) break its lines long before they tell their new size.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import contextmanager
from select import select
from threading import RLock, current_thread, get_ident, main_thread
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CLEAR_BELOW = b"\r\x1b[J"
_CLEAR_REST_OF_ROW = b"\x1b[K"
# Lines that are too long are cut: the terminal may have become narrower and not have said so yet.
_CUT, _BREAK = b"\x1b[?7l", b"\x1b[?7h"


class Terminal:
    """The terminal behind the file ``descriptor``; for several threads.

    Nothing is shown while other processes have the terminal, as shells do after ``&``, unless ``always``.
    """

    def __init__(self, descriptor: int, always: bool = False) -> None:
        self._descriptor = descriptor
        self._always = always
        # A signal handler may write in the middle of a write.
        self._lock = RLock()
        # The thread that writes, and the signal to stop that has come meanwhile.
        self._writer: int | None = None
        self._put_off: int | None = None
        self._view = b""
        self._drawn = False
        self._within_line = False

    @property
    def size(self) -> tuple[int, int]:
        """The current columns and rows."""
        try:
            columns, rows = os.get_terminal_size(self._descriptor)
        except OSError:
            columns, rows = 0, 0
        # Some terminals do not tell their size.
        return columns or 80, rows or 24

    def show(self, lines: Sequence[str]) -> None:
        """Shows the view in place of the one before; it has fewer lines than the terminal has rows."""
        with self._writing():
            if not self._is_ours():
                self._view, self._drawn = b"", False
                return
            # Written over the one before without clearing it, so that nothing flickers.
            below = b"".join(b"\n" + line.encode("utf-8", "replace") + _CLEAR_REST_OF_ROW for line in lines)
            self._view = b"%b%b\x1b[J\r\x1b[%dA%b" % (_CUT, below, len(lines), _BREAK) if lines else b""
            if not self._within_line:
                # Before, as a signal may raise something in the middle.
                self._drawn = True
                self._write_all(self._descriptor, b"\r" + _CLEAR_REST_OF_ROW + self._view)

    def hide(self) -> None:
        """Takes the view away, for good or until the next ``show``."""
        with self._writing():
            self._clear()

    def end_line(self) -> None:
        """Ends a line that is not complete, so that the next text begins a new one."""
        with self._lock:
            if self._within_line:
                self.write(self._descriptor, b"\n")

    def stop(self, number: int, frame: object) -> None:
        """Handles SIGTSTP: until the process continues, the screen belongs to a shell."""
        if self._writer == get_ident():
            self._put_off = number
            return
        # Nor does another thread draw anything in between.
        with self._lock:
            self._put_off = None
            self._clear()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            signal.signal(number, self.stop)

    def write(self, descriptor: int, data: bytes) -> int:
        """Writes to one of the streams, above the view; returns how many bytes were written, as ``os.write`` does."""
        if not data:
            return 0
        with self._writing():
            before = _CLEAR_BELOW if self._drawn else b""
            after = self._view if data.endswith(b"\n") else b""
            self._drawn = self._drawn or bool(after)
            # In one piece, so that nothing in between is visible.
            written = os.write(descriptor, before + data + after)
            self._write_all(descriptor, before[written:])
            self._drawn = False
            written = max(0, written - len(before))
            taken = min(written, len(data))
            self._within_line = data[:taken][-1:] != b"\n" if taken else self._within_line
            if after and taken == len(data):
                self._write_all(descriptor, after[written - taken :])
                self._drawn = True
            return taken

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """No other thread writes meanwhile, and a signal to stop waits until it is known what has been drawn."""
        with self._lock:
            outer, self._writer = self._writer, get_ident()
            try:
                yield
            finally:
                self._writer = outer
        if self._put_off is not None and outer is None and current_thread() is main_thread():
            self.stop(self._put_off, None)

    def _clear(self) -> None:
        self._view = b""
        if self._drawn:
            # Also if a signal has ended a write in the middle of the view.
            self._write_all(self._descriptor, _BREAK + _CLEAR_BELOW)
            self._drawn = False

    def _is_ours(self) -> bool:
        try:
            return self._always or os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:  # It is not the terminal of this session, so no other process can be in the foreground.
            return True

    @staticmethod
    def _write_all(descriptor: int, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                select((), (descriptor,), ())
            except OSError:
                # The terminal has closed.
                return


class _Raw(io.RawIOBase):
    """The raw layer of a text stream that everybody writes to."""

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


def take_terminal(always: bool = False) -> Terminal:
    """The terminal behind standard error. From now on that stream, and standard output if it is the same, use it."""
    terminal = Terminal(sys.stderr.fileno(), always)
    device = os.fstat(sys.stderr.fileno()).st_rdev
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if _is_terminal(stream) and os.fstat(stream.fileno()).st_rdev == device:
            stream.flush()
            setattr(sys, name, _through(terminal, stream))
    if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
        signal.signal(signal.SIGTSTP, terminal.stop)
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
