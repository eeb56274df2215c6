"""Tabs and spaces mixed so that a block's depth depends on how wide a tab is, which Python 3 refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflink_stream.check.source import Edit
from pyflink_stream.check.statements import Change

if TYPE_CHECKING:
    from pyflink_stream.check.tokens import Token

_TAB = 8  # columns; Python 2's own reading of a tab


def find_mixed_indentation(text: str, tokens: list[Token]) -> Change | None:
    """One change for the whole script, at its first line whose depth is ambiguous; None when there is no such line."""
    leading = _leading_spaces(text, tokens)
    stack = [(0, 0)]
    for start, spaces in leading:
        wide = len(spaces.expandtabs(_TAB))
        narrow = len(spaces)
        while stack[-1][0] > wide:
            stack.pop()
        if wide == stack[-1][0]:
            ambiguous = narrow != stack[-1][1]
        else:
            ambiguous = narrow <= stack[-1][1]
            stack.append((wide, narrow))
        if ambiguous:
            edits = tuple(Edit(at, at + len(tabs), tabs.expandtabs(_TAB)) for at, tabs in leading if "\t" in tabs)
            problem = "tabs and spaces are mixed in the indentation"
            suggestion = f"spaces only, on every line (Python 2 read a tab as up to {_TAB} of them)"
            return Change(start, "mixed-indentation", problem, edits, suggestion)
    return None


def _leading_spaces(text: str, tokens: list[Token]) -> list[tuple[int, str]]:
    """Where each logical line begins, and the white space it begins with."""
    leading: list[tuple[int, str]] = []
    at_line_start = True
    for token in tokens:
        if at_line_start and token.kind != "newline":
            start = text.rfind("\n", 0, token.start) + 1
            spaces = text[start : token.start]
            if not spaces.strip(" \t"):
                leading.append((start, spaces))
        at_line_start = token.kind == "newline"
    return leading
