"""The source of a function, as far as it is the very source that its code was made of."""

from __future__ import annotations

import ast
import linecache
import sys
from collections import defaultdict
from functools import cache
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType

Definition = ast.FunctionDef | ast.Lambda

# Characters of a file: to compile what is longer would keep records waiting for a second.
_LONGEST = 400_000


def definition_of(function: FunctionType) -> Definition | None:
    """What is written at the place that a function's code names, if that compiles to the same code; else None.

    The file may have been changed since the function was loaded, or may not be there at all.
    """
    code = function.__code__
    try:
        compiled, definitions = _file(code.co_filename, str(function.__globals__.get("__name__")))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    place = (code.co_name, code.co_firstlineno)
    if not any(_same(code, each) for each in compiled.get(place, ())):
        return None
    # There may be several lambdas on a line. Where Python has no columns, those with the same code are all as good.
    found = [each for each in definitions.get(place, ()) if _holds(each, code)]
    return found[0] if len(found) == 1 or (found and not hasattr(code, "co_positions")) else None


@cache
def _file(
    name: str, module: str
) -> tuple[dict[tuple[str, int], list[CodeType]], dict[tuple[str, int], list[Definition]]]:
    """All functions of a file by their names and first lines: their code, and their definitions."""
    # A module knows its source even where it is in an archive.
    text = "".join(linecache.getlines(name, getattr(sys.modules.get(module), "__dict__", None)))
    if len(text) > _LONGEST:
        raise ValueError(f"{name} is too long")
    tree = ast.parse(text, name)
    compiled: dict[tuple[str, int], list[CodeType]] = defaultdict(list)
    for code in _within(compile(text, name, "exec", dont_inherit=True)):
        compiled[code.co_name, code.co_firstlineno].append(code)
    definitions: dict[tuple[str, int], list[Definition]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            definitions[node.name, node.lineno].append(node)
        elif isinstance(node, ast.Lambda):
            definitions["<lambda>", node.lineno].append(node)
    return compiled, definitions


def _within(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _within(constant)


def _same(code: CodeType, other: CodeType) -> bool:
    return code == other and _positions(code) == _positions(other)


def _positions(code: CodeType) -> list[tuple[int | None, ...]]:
    """Where in the source each instruction comes from: line, and from Python 3.11 on last line and columns."""
    positions = getattr(code, "co_positions", code.co_lines)
    return list(positions())


def _holds(definition: Definition, code: CodeType) -> bool:
    """Whether all of the code comes from within the definition; before Python 3.11, whether it has the same code."""
    positions = getattr(code, "co_positions", None)
    if isinstance(definition, ast.FunctionDef):
        return True
    if positions is None:
        return code in compile(ast.Expression(definition), code.co_filename, "eval").co_consts
    body = definition.body
    begin, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    for line, end_line, column, end_column in positions():
        # What only begins a function has no columns, or none of its own.
        if line is None or end_line is None or not column or end_column is None or not end_column:
            continue
        if (line, column) < begin or (end_line, end_column) > end:
            return False
    return True
