"""Messages of the launcher, on standard error; standard output belongs to the script."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from stream_engine.failures.failure import text_of
from stream_engine.local.output import forget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from stream_engine.failures.failure import Line


def warning(text: str) -> None:
    """Writes a line that begins with ``Warning:``; the run continues."""
    _print("Warning: ", "bold yellow", text)


def error(text: str) -> None:
    """Writes a message that begins with ``Error:``; the command has not been carried out."""
    _print("Error: ", "bold red", text)


def note(label: str, text: str) -> None:
    """Writes a line that begins with ``label``, for what is neither wrong nor worth a warning."""
    _print(f"{label}: ", "bold cyan", text)


def plain(text: str) -> None:
    """Writes text as it is."""
    _print("", "", text)


def failure(report: Sequence[Line]) -> None:
    """Writes the report of an exception, on a terminal in colours."""
    if _is_terminal(_stream()):
        from pyflink_stream.highlighting import highlighted

        _rich(highlighted(report))
    else:
        plain(text_of(report))


def can_be_drawn_on(shared: bool = False) -> bool:
    """Whether standard error is a terminal on which lines can be redrawn.

    If standard output is a pipe, its reader may write to the same terminal (``| grep``, ``| less``), and neither knows
    of the other's lines; ``shared`` says that this is wanted.
    """
    if not _is_terminal(sys.stderr) or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return shared or not stat.S_ISFIFO(os.fstat(1).st_mode)


def _print(label: str, style: str, text: str) -> None:
    stream = _stream()
    if label and _is_terminal(stream):
        from rich.text import Text

        _rich(Text.assemble((label, style), text))
    elif stream is not None:
        with to_whom_it_reaches():
            stream.write(f"{label}{text}\n")
            stream.flush()


def _rich(text: Text) -> None:
    from rich.console import Console

    with to_whom_it_reaches():
        # The terminal wraps lines, not rich: a line can then be copied whole.
        Console(file=_stream()).print(text, soft_wrap=True)


@contextmanager
def to_whom_it_reaches() -> Iterator[None]:
    """Ignores that standard error cannot be written to: nobody reads it, and the exit status says enough."""
    try:
        yield
    except (OSError, ValueError):
        # A full disk, a reader that has gone, or a stream that the script has closed.
        forget(sys.stderr)


def _stream() -> TextIO | None:
    """Standard error, even if a script has set ``sys.stderr`` to None."""
    return sys.stderr if sys.stderr is not None else sys.__stderr__


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # Closed.
        return False
