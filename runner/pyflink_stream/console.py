"""What the launcher itself tells people, on standard error; standard output belongs to the script."""

from __future__ import annotations

import sys


def warning(text: str) -> None:
    """A line that begins with ``Warning:``; the run goes on."""
    _print("Warning: ", "bold yellow", text)


def error(text: str) -> None:
    """A message that begins with ``Error:``; what was asked for has not been done."""
    _print("Error: ", "bold red", text)


def plain(text: str) -> None:
    """Text as it is."""
    _print("", "", text)


def _print(label: str, style: str, text: str) -> None:
    stream = sys.stderr
    if label and stream.isatty():
        from rich.console import Console
        from rich.text import Text

        Console(file=stream).print(Text.assemble((label, style), text), soft_wrap=True)
    else:
        stream.write(f"{label}{text}\n")
        stream.flush()
