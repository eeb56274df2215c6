"""The colours of a report: what happened, where, and the lines of Python source in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.syntax import Syntax
    from rich.text import Text

    from stream_engine.failures.failure import Line

_STYLES = {"what": "bold red", "heading": "bold", "file": "cyan", "line number": "bold", "marks": "red"}
# Named colours, which a terminal's own scheme makes readable on its background.
_THEME = "ansi_dark"


def highlighted(report: Iterable[Line]) -> Text:
    """The report as it is, with styles."""
    from rich.syntax import Syntax
    from rich.text import Text

    syntaxes = {
        role: Syntax("", lexer, theme=_THEME, background_color="default")
        for role, lexer in (("source", "python"), ("traceback", "pytb"))
    }
    lines = [
        Text.assemble(
            *(
                _source(text, syntaxes[role]) if role in syntaxes else (text, _STYLES.get(role, ""))
                for role, text in line
            )
        )
        for line in report
    ]
    return Text("\n").join(lines)


def _source(text: str, syntax: Syntax) -> Text:
    """Indentation is no token, and what rich takes for a line's end is one too many."""
    from rich.text import Text

    shown = syntax.highlight(text.strip())
    shown.rstrip()
    return Text(text[: len(text) - len(text.lstrip())]) + shown
