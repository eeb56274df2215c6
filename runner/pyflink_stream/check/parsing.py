"""Gets a syntax tree out of a script that Python 3 may not be able to read as it stands."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, NamedTuple

from pyflink_stream.check.indentation import find_mixed_indentation
from pyflink_stream.check.source import Edit, Patched, fixed
from pyflink_stream.check.spelling import find_spellings
from pyflink_stream.check.statements import Change, find_statements
from pyflink_stream.check.tokens import tokenize

if TYPE_CHECKING:
    from pyflink_stream.check.source import Source

_MOST_UNREADABLE = 20  # statements; beyond that the text is no Python
_LONGEST_SUGGESTION = 110  # characters
# What to write where the corrected statement itself would be too long to show.
_IN_GENERAL = {
    "print-statement": 'print(..., end=" ", file=...): brackets around all that is printed',
    "exec-statement": "exec(code, globals, locals)",
    "raise-comma": "raise Error(arguments)",
    "except-comma": "except Error as error:",
}
_HEADER = re.compile(r"(if|elif|while|for|with|class|def|try|else|except|finally)\b")


class Parsed(NamedTuple):
    """The tree of the script after all ``changes``, or None; ``patched`` is the text that the tree describes."""

    tree: ast.Module | None
    patched: Patched
    changes: list[Change]


def parse(source: Source) -> Parsed:
    """Finds the Python 2 syntax of a script, undoes it in memory, and parses what comes out. Runs nothing."""
    tokens = tokenize(source.text)
    changes = [*find_statements(source.text, tokens), *find_spellings(source.text, tokens)]
    mixed = find_mixed_indentation(source.text, tokens)
    if mixed:
        changes.append(mixed)
    edits = [edit for change in changes for edit in change.edits]
    for index, change in enumerate(changes):
        if not change.suggestion:
            changes[index] = change._replace(suggestion=_suggestion(source.text, edits, change))
    patched = Patched(source.text, edits)
    tree, unreadable = _parse_what_can_be(patched)
    # If a change was already found, Python 3's message about the same line would repeat it.
    known = {source.position(change.at)[0] for change in changes}
    for offset, message in unreadable:
        place = min(patched.origin(offset), len(source.text))
        if source.position(place)[0] not in known:
            problem = f"Python 3 cannot read this: {message}"
            escaped = "unicodeescape" in message
            suggestion = r'r"..." or \\ for \: a str reads \u, \U and \N' if escaped else "correct the statement"
            changes.append(Change(place, "syntax", problem, (), suggestion))
    return Parsed(tree, patched, changes)


def _suggestion(text: str, edits: list[Edit], change: Change) -> str:
    statement = fixed(text, edits, change.start, change.end)
    if "\n" in statement or len(statement) > _LONGEST_SUGGESTION:
        return _IN_GENERAL[change.code]
    return statement


def _parse_what_can_be(patched: Patched) -> tuple[ast.Module | None, list[tuple[int, str]]]:
    """The tree without the statements that cannot be read, and the offset and message of each of those."""
    unreadable: list[tuple[int, str]] = []
    text = patched.text
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
                if not unreadable:
                    # Some errors show only when scopes are resolved, such as `import *` inside a function.
                    compile(text, "<script>", "exec", dont_inherit=True)
            return tree, unreadable
        except SyntaxError as error:
            offset = patched.offset(error.lineno or 1, max((error.offset or 1) - 1, 0))
            message = error.msg
        except (ValueError, RecursionError, MemoryError) as error:
            return None, [*unreadable, (0, str(error) or "it is nested too deeply")]
        blanked, start = _without_statement(text, offset)
        unreadable.append((start, message))
        if blanked == text or len(unreadable) > _MOST_UNREADABLE:
            return None, unreadable
        text = blanked


def _without_statement(text: str, offset: int) -> tuple[str, int]:
    """The text, as long as before, without the logical line around ``offset``, and where that line began.

    A header is replaced by another one, so that its block stays one.
    """
    tokens = tokenize(text)
    line: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == "newline":
            if line and token.start >= offset:
                break
            line = []
        else:
            line.append(index)
    if not line:
        return text, offset
    start, end = tokens[line[0]].start, tokens[line[-1]].end
    return text[:start] + _placeholder(text[start:end]) + text[end:], start


def _placeholder(statement: str) -> str:
    header = _HEADER.match(statement)
    word = header.group(1) if header and statement.endswith(":") else ""
    if word in {"else", "finally", "try", "except"}:
        short = f"{word}:"
    elif word:
        short = "elif 1:" if word == "elif" else "if 1:"
    else:
        short = "pass"
    if len(short) > len(statement):
        short = "0"
    return short + re.sub(r"[^\n]", " ", statement[len(short) :])
