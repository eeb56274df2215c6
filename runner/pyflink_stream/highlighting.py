"""The colours of a report: what happened, where, and the lines of Python source in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.syntax import Syntax
    from rich.text import Text

_FRAME = re.compile(r'^(?P<file>  File ".*"), line (?P<line>\d+)(?P<where>.*)$')
_MARKS = re.compile(r"^[ ~^]+$")
_SOURCE = "    "
# Named colours, which a terminal's own scheme makes readable on its background.
_THEME = "ansi_dark"


def highlighted(report: str) -> Text:
    """The report as it is, with styles. Source is what stands below the line of a frame and deeper."""
    from rich.syntax import Syntax
    from rich.text import Text

    syntax = Syntax("", "python", theme=_THEME, background_color="default")
    first, *rest = report.split("\n")
    lines = [Text(first, "bold red")]
    in_frame = False
    for line in rest:
        frame = _FRAME.match(line)
        if frame:
            place = (f", line {frame['line']}", "bold")
            lines.append(Text.assemble((frame["file"], "cyan"), place, frame["where"]))
        elif in_frame and line.startswith(_SOURCE):
            lines.append(Text(line, "red") if _MARKS.match(line) else _source(line, syntax))
        else:
            lines.append(Text(line, "bold" if line[:1].strip() else ""))
        in_frame = bool(frame) or (in_frame and line.startswith(_SOURCE))
    return Text("\n").join(lines)


def _source(line: str, syntax: Syntax) -> Text:
    """Indentation is no token, and what rich takes for a line's end is one too many."""
    from rich.text import Text

    text = syntax.highlight(line.strip())
    text.rstrip()
    return Text(line[: len(line) - len(line.lstrip())]) + text
