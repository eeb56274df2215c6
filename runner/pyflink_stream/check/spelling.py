"""Single words and signs that only Python 2 has: octal and long literals, ur'', <>, backticks, tuple parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyflink_stream.check.source import Edit
from pyflink_stream.check.statements import Change
from pyflink_stream.check.tokens import Token, closing

if TYPE_CHECKING:
    from collections.abc import Iterator

_OLD_OCTAL = re.compile(r"0[0-7_]*[1-7][0-7_]*[lL]?\Z")


def find_spellings(text: str, tokens: list[Token]) -> Iterator[Change]:
    """Every literal, sign and parameter list of the script that Python 3 cannot read."""
    backticks: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == "number":
            yield from _number(token)
        elif token.kind == "string" and token.text[:2].lower() == "ur":
            yield _raw_unicode(token)
        elif token.text == "<>":
            edit = Edit(token.start, token.end, "!=")
            yield Change(token.start, "not-equal", "'<>' is gone", (edit,), "!=")
        elif token.text == "`":
            backticks.append(index)
        elif token.text == "async":
            yield from _async(tokens, index)
        elif token.text in {"def", "lambda"}:
            yield from _tuple_parameters(text, tokens, index)
    for opening, ending in zip(backticks[::2], backticks[1::2], strict=False):
        yield _backticks(text, tokens[opening : ending + 1])


def _number(token: Token) -> Iterator[Change]:
    is_long = token.text[-1] in "lL"
    plain = token.text.rstrip("lL")
    octal = _OLD_OCTAL.match(token.text) is not None
    corrected = f"0o{plain.lstrip('0')}" if octal else plain
    edit = Edit(token.start, token.end, corrected)
    if octal:
        yield Change(token.start, "octal", "an octal number begins with 0o in Python 3", (edit,), corrected)
    elif is_long:
        yield Change(token.start, "long-literal", "every int is as long as it needs in Python 3", (edit,), corrected)


def _raw_unicode(token: Token) -> Change:
    raw = token.text[1:]
    suggestion = raw if len(raw) <= 60 and "\n" not in raw else 'r"..."'
    if "\\u" in raw.lower():
        suggestion = "a plain string: r'' does not read \\u escapes"
    edit = Edit(token.start, token.start + 1, "")
    return Change(token.start, "ur-string", "the prefix ur is gone", (edit,), suggestion)


def _async(tokens: list[Token], index: int) -> Iterator[Change]:
    token = tokens[index]
    following = tokens[index + 1].text if index + 1 < len(tokens) else ""
    if following not in {"def", "for", "with"}:
        edit = Edit(token.start, token.end, "async_")
        problem = "'async' is a reserved word in Python 3 and cannot be a name"
        yield Change(token.start, "reserved-word", problem, (edit,), "another name, such as async_")


def _backticks(text: str, tokens: list[Token]) -> Change:
    opening, ending = tokens[0], tokens[-1]
    inner = text[opening.end : ending.start].strip()
    several = any(token.text == "," and token.depth == opening.depth for token in tokens)
    before, after = ("repr((", "))") if several else ("repr(", ")")
    edits = (Edit(opening.start, opening.end, before), Edit(ending.start, ending.end, after))
    problem = "backticks are gone"
    return Change(opening.start, "backticks", problem, edits, before + inner + after)


def _tuple_parameters(text: str, tokens: list[Token], index: int) -> Iterator[Change]:
    """A parameter that is a tuple; the edit leaves its names as parameters of their own, so that they stay bound."""
    is_lambda = tokens[index].text == "lambda"
    if is_lambda:
        first, depth = index + 1, tokens[index].depth
        last = first
        while last < len(tokens) and not (tokens[last].text == ":" and tokens[last].depth == depth):
            last += 1
    else:
        if index + 2 >= len(tokens) or tokens[index + 2].text != "(":
            return
        first, depth = index + 3, tokens[index + 2].depth + 1
        last = closing(tokens, index + 2)
    at = first
    while at < last:
        begins = at == first or (tokens[at - 1].text == "," and tokens[at - 1].depth == depth)
        if begins and tokens[at].text == "(":
            end = closing(tokens, at)
            names = text[tokens[at].start : tokens[end].end]
            with_default = end + 1 < last and tokens[end + 1].text == "="
            edits = tuple(_flatten(tokens[at : end + 1], with_default))
            problem = "a parameter cannot be a tuple in Python 3"
            if not any(token.text == "," for token in tokens[at:end]):
                problem, suggestion = "a parameter takes no brackets in Python 3", names.strip("() ")
            elif is_lambda:
                suggestion = f"take one parameter and index it, or write a def that begins with: {names[1:-1]} = pair"
            else:
                suggestion = f"take one parameter and begin the body with: {names[1:-1]} = pair"
            yield Change(tokens[at].start, "tuple-parameter", problem, edits, suggestion)
            at = end
        at += 1


def _flatten(tokens: list[Token], with_default: bool) -> Iterator[Edit]:
    for index, token in enumerate(tokens):
        closes = tokens[index + 1].text == ")" if index + 1 < len(tokens) else False
        if token.text in "()" or (token.text == "," and closes):
            yield Edit(token.start, token.end, " ")
        elif token.text == "," and with_default:
            yield Edit(token.start, token.end, "=None,")
