"""Lines of styled text in the columns that a terminal has."""

from __future__ import annotations

import sys

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

# A line as pieces of text, each with the name of a style of rich (empty: none).
Line = list[tuple[str, str]]

_COLOURS = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT, "truecolor": ColorSystem.TRUECOLOR}
# For terminals that have no finer blocks.
_ASCII = str.maketrans({**dict.fromkeys("█▉▊▋▌▍━╸", "#"), **dict.fromkeys("▎▏─", "-"), "→": ">", "×": "x", "…": "~"})
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Painter:
    """Turns lines into text and escape codes for the terminal of standard error, in the colours that it has."""

    def __init__(self) -> None:
        console = Console(file=sys.stderr)
        self._colours = None if console.no_color else _COLOURS.get(console.color_system or "")
        self._ascii = not (sys.stderr.encoding or "").lower().startswith("utf")

    def paint(self, line: Line) -> str:
        return "".join(self._piece(text, style) for text, style in line)

    def _piece(self, text: str, style: str) -> str:
        if self._ascii:
            text = text.translate(_ASCII).encode("ascii", "replace").decode()
        return Style.parse(style).render(text, color_system=self._colours) if style else text


def cut(line: Line, columns: int) -> Line:
    """The line, cut to ``columns``."""
    kept: Line = []
    for text, style in line:
        kept.append((fitted(text, columns), style))
        columns -= cell_len(text)
        if columns < 0:
            break
    return kept


def fitted(text: str, columns: int) -> str:
    """The text; if it is wider than ``columns``, an ellipsis replaces its end."""
    if cell_len(text) <= columns:
        return text
    return set_cell_size(text, columns - 1).rstrip() + "…" if columns > 0 else ""


def padded(text: str, columns: int, right: bool = False) -> str:
    """The text in exactly ``columns``."""
    text = fitted(text, columns)
    space = " " * (columns - cell_len(text))
    return space + text if right else text + space


def bar(share: float, columns: int) -> str:
    """A bar of ``columns``, filled by ``share``, to an eighth of a column; any share above 0 is visible."""
    eighths = round(max(0.0, min(1.0, share)) * columns * 8)
    if share > 0.005:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(columns)
