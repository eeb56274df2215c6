"""Splits a script into tokens and statements, whichever Python it was written for.

The standard tokenizer follows the running interpreter and stops, or silently reads something else, at the literals
that only Python 2 had. This one knows the spelling of both and never fails.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING = re.compile(r"(?i:(ur|br|rb|fr|rf|tr|rt|[rubft])?)('''|\"\"\"|'|\")")
_TOKEN = re.compile(
    r"""(?P<space>[ \t\f]+|\\\n|\#[^\n]*)
      | (?P<newline>\n)
      | (?P<number>0[xX][\da-fA-F_]+[lL]?|0[oO][0-7_]+[lL]?|0[bB][01_]+[lL]?
                  |(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?[jJlL]?)
      | (?P<name>[^\W\d]\w*)
      | (?P<op>\*\*=|//=|>>=|<<=|\.\.\.|<>|<=|>=|==|!=|->|:=|[-+*/%&|^@]=|\*\*|//|>>|<<|.)""",
    re.VERBOSE | re.DOTALL,
)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_HEADERS = frozenset(
    ["if", "elif", "else", "while", "for", "try", "except", "finally", "with", "class", "def", "async"]
)


class Token(NamedTuple):
    """``kind`` is name, number, string, op or newline; ``depth`` counts the brackets around it, its own not."""

    kind: str
    text: str
    start: int
    end: int
    depth: int


def tokenize(text: str) -> list[Token]:
    """The tokens of a text, without comments, blank lines and the line ends inside brackets."""
    tokens: list[Token] = []
    at = depth = 0
    while at < len(text):
        string = _STRING.match(text, at)
        if string:
            kind, end = "string", _string_end(text, string)
        else:
            match = _TOKEN.match(text, at)
            assert match is not None
            assert match.lastgroup is not None
            kind, end = match.lastgroup, match.end()
        word = text[at:end]
        if kind == "op" and word in _CLOSING:
            depth = max(0, depth - 1)
        blank = kind == "newline" and (depth > 0 or not tokens or tokens[-1].kind == "newline")
        if kind != "space" and not blank:
            tokens.append(Token(kind, word, at, end, depth))
        if kind == "op" and word in _OPENING:
            depth += 1
        at = end
    return tokens


def statements(tokens: list[Token]) -> Iterator[list[Token]]:
    """The simple statements and the headers of compound ones (with their colon), each as its tokens."""
    statement: list[Token] = []
    lambdas = 0
    for token in tokens:
        ends = token.kind == "newline" or (token.text == ";" and token.depth == 0)
        if not ends:
            statement.append(token)
            if token.depth == 0 and token.text == "lambda":
                lambdas += 1
            elif token.depth == 0 and token.text == ":" and lambdas:
                lambdas -= 1
            else:
                ends = token.depth == 0 and token.text == ":" and statement[0].text in _HEADERS
        if ends:
            if statement:
                yield statement
            statement, lambdas = [], 0
    if statement:
        yield statement


def closing(tokens: list[Token], opening: int) -> int:
    """The index of the bracket that closes the one at index ``opening``; the last index when none does."""
    depth = tokens[opening].depth
    for index in range(opening + 1, len(tokens)):
        if tokens[index].depth == depth and tokens[index].text in _CLOSING:
            return index
    return len(tokens) - 1


def _string_end(text: str, opening: re.Match[str]) -> int:
    prefix, quote = opening.group(1) or "", opening.group(2)
    formatted = "f" in prefix.lower() or "t" in prefix.lower()
    at = opening.end()
    while at < len(text):
        if text.startswith(quote, at):
            return at + len(quote)
        if text[at] == "\\":
            at += 2
        elif text[at] == "\n" and len(quote) == 1:
            return at
        elif formatted and text.startswith("{{", at):
            at += 2
        elif formatted and text[at] == "{":
            at = _field_end(text, at + 1)
        else:
            at += 1
    return len(text)


def _field_end(text: str, at: int) -> int:
    """The end of a replacement field of an f-string; since Python 3.12 it may hold the string's own quotes."""
    depth = 0
    in_format = False
    while at < len(text):
        string = None if in_format else _STRING.match(text, at)
        if string:
            at = _string_end(text, string)
            continue
        char = text[at]
        if in_format and char == "{":
            at = _field_end(text, at + 1)
            continue
        if char == "}" and depth == 0:
            return at + 1
        if char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
        elif char == ":" and depth == 0:
            in_format = True
        at += 1
    return len(text)
