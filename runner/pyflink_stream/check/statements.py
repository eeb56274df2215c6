"""The statements of Python 2 that Python 3 spells as calls or with other words: print, exec, raise, except."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyflink_stream.check.source import Edit
from pyflink_stream.check.tokens import Token, closing, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPERAND_KINDS = frozenset({"name", "number", "string"})
# Words and signs that continue an expression which begins with the name `print` or `exec`.
_CONTINUING = frozenset(["in", "is", "if", "and", "or", "not"])
# After `print (...)` these make Python 3 work on the None that print returned.
_ON_RESULT = frozenset({"%", ".", "+", "-", "*", "/", "//", "["})


class Change(NamedTuple):
    """A place that is Python 2, and the edits that make it Python 3.

    Without a ``suggestion`` the statement as it is after all edits, from ``start`` up to ``end``, is the suggestion.
    """

    at: int
    code: str
    problem: str
    edits: tuple[Edit, ...]
    suggestion: str = ""
    start: int = 0
    end: int = 0


def find_statements(text: str, tokens: list[Token]) -> Iterator[Change]:
    """Every statement of the script that only Python 2 has, or that Python 3 reads as something else."""
    print_is_function = _imports_print_function(tokens)
    for statement in statements(tokens):
        first, rest = statement[0], statement[1:]
        if first.kind != "name":
            continue
        if first.text == "print" and not print_is_function:
            found = _print(text, first, rest)
        elif first.text == "exec":
            found = _exec(first, rest)
        elif first.text == "raise":
            found = _raise(first, rest)
        elif first.text == "except":
            found = _except(text, first, rest)
        else:
            continue
        if found:
            yield found._replace(start=first.start, end=statement[-1].end)


def _imports_print_function(tokens: list[Token]) -> bool:
    for statement in statements(tokens):
        words = [token.text for token in statement]
        if words[:3] == ["from", "__future__", "import"] and "print_function" in words:
            return True
    return False


def _print(text: str, first: Token, rest: list[Token]) -> Change | None:
    if not _is_print_statement(rest):
        return None
    problem = "print is a function in Python 3"
    if not rest:
        edits = [Edit(first.end, first.end, "()")]
        return Change(first.start, "print-statement", problem, tuple(edits))
    options = ""
    begin, last = rest[0].start, rest[-1].end
    edits: list[Edit] = []
    commas = _commas(rest)
    if rest[0].text == ">>":
        target_end = rest[commas[0]].start if commas else last
        options = f"file={text[rest[0].end : target_end].strip()}"
        begin = last
        if commas:
            begin = rest[commas[0]].end
            if commas[0] + 1 < len(rest):
                begin = rest[commas[0] + 1].start
            commas = commas[1:]
    if commas and commas[-1] == len(rest) - 1:
        last = rest[-1].start
        options = f'end=" ", {options}' if options else 'end=" "'
    edits.append(Edit(first.end, begin, "("))
    separator = ", " if options and begin < last else ""
    edits.append(Edit(last, rest[-1].end, f"{separator}{options})"))
    return Change(first.start, "print-statement", problem, tuple(edits))


def _is_print_statement(rest: list[Token]) -> bool:
    if not rest:
        return True
    following = rest[0]
    if following.text == "(":
        after = rest[closing(rest, 0) + 1 :]
        if not after:
            return False
        if after[0].text == ",":
            return not any(token.text == "print" for token in after)
        return after[0].text in _ON_RESULT
    if following.kind == "name":
        return following.text == "not" or following.text not in _CONTINUING
    return following.kind in _OPERAND_KINDS or following.text in {">>", "-", "+", "~", "[", "{", "`"}


def _exec(first: Token, rest: list[Token]) -> Change | None:
    if not rest:
        return None
    within = next((i for i, token in enumerate(rest) if token.text == "in" and token.depth == 0), None)
    if rest[0].text == "(":
        if within is None:
            return None
    elif rest[0].text in _CONTINUING or (rest[0].kind not in _OPERAND_KINDS and rest[0].text != "`"):
        return None
    edits = [Edit(first.end, rest[0].start, "(")]
    if within:
        edits.append(Edit(rest[within - 1].end, rest[within].end, ","))
    edits.append(Edit(rest[-1].end, rest[-1].end, ")"))
    return Change(first.start, "exec-statement", "exec is a function in Python 3", tuple(edits))


def _raise(first: Token, rest: list[Token]) -> Change | None:
    commas = _commas(rest)
    if not commas or commas[-1] == len(rest) - 1:
        return None
    raised = rest[: commas[0]]
    value = rest[commas[0] + 1 : commas[1] if len(commas) > 1 else len(rest)]
    traceback = rest[commas[1] + 1 :] if len(commas) > 1 else []
    gap = Edit(raised[-1].end, value[0].start, "(")
    open_end = ""
    if traceback and not _names_a_class(raised):
        # `raise type, value, traceback` hands on what sys.exc_info() gave: the value is an exception already.
        edits = [Edit(raised[0].start, value[0].start, "")]
    elif len(value) == 1 and value[0].text == "None":
        edits = [Edit(gap.start, value[0].end, "()")]
    elif value[0].text == "(" and closing(value, 0) == len(value) - 1:
        edits = [gap._replace(text="")]
    else:
        edits, open_end = [gap], ")"
    if traceback:
        edits.append(Edit(value[-1].end, traceback[0].start, f"{open_end}.with_traceback("))
        open_end = ")"
    edits.append(Edit(rest[-1].end, rest[-1].end, open_end))
    problem = "Python 3 raises an exception object, not a class and its arguments"
    return Change(first.start, "raise-comma", problem, tuple(edits))


def _names_a_class(expression: list[Token]) -> bool:
    return expression[-1].kind == "name" and expression[-1].text[0].isupper()


def _except(text: str, first: Token, rest: list[Token]) -> Change | None:
    commas = _commas(rest)
    if not commas or rest[-1].text != ":":
        return None
    caught, name = rest[: commas[0]], rest[commas[0] + 1 : -1]
    if not caught or not name:
        return None
    problem = "Python 3 names the caught exception with 'as'"
    simple = len(name) == 1 and name[0].kind == "name"
    edits = (Edit(caught[-1].end, name[0].start if simple else name[-1].end, " as " if simple else " as error"),)
    suggestion = "" if simple else f"except ... as error, and take {text[name[0].start : name[-1].end]} from it below"
    return Change(first.start, "except-comma", problem, edits, suggestion)


def _commas(tokens: list[Token]) -> list[int]:
    """The indexes of the commas outside brackets and outside the parameters of a lambda."""
    commas: list[int] = []
    lambdas = 0
    for index, token in enumerate(tokens):
        if token.depth > 0:
            continue
        if token.text == "lambda":
            lambdas += 1
        elif token.text == ":" and lambdas:
            lambdas -= 1
        elif token.text == "," and not lambdas and index > 0:
            commas.append(index)
    return commas
