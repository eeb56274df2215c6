"""The YAML that nearly all configuration files are made of: lines of ``key: value``, read without a parser.

Importing one takes a tenth of the time that a short job takes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# What stands for itself in YAML, whatever is before or behind it in the file.
_LINE = re.compile(
    rb"""(?P<key> [A-Za-z] [A-Za-z0-9_.-]* ) : (?: [ ]+ (?P<value> "" | [A-Za-z0-9_./] [A-Za-z0-9_./ -]*? ) )?
    [ ]* (?: [ ] \# [ -~]* )?""",
    re.VERBOSE,
)
_NOTHING = re.compile(rb" *(?:#[ -~]*)?")
_NULL = frozenset(["null", "Null", "NULL"])


class Line(NamedTuple):
    """``value`` is None where there is none; ``number`` counts from 1."""

    key: str
    value: str | None
    number: int


def plain_lines(content: bytes) -> list[Line] | None:
    """The settings of a file; None where anything in it takes a parser."""
    lines: list[Line] = []
    for number, text in enumerate(content.replace(b"\r\n", b"\n").split(b"\n"), 1):
        if _NOTHING.fullmatch(text):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            return None
        value = None if match["value"] is None else match["value"].decode()
        lines.append(Line(match["key"].decode(), None if value in _NULL else "" if value == '""' else value, number))
    return lines
