"""Uses of what was a list in Python 2 and is an iterator, a view or a range now."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflink_stream.check.script import Habit, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflink_stream.check.walk import Visit

_LIST_METHODS = frozenset(["append", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"])
_WORDS = {"iterator": "an iterator", "view": "a view", "range": "a range"}
# What each kind, unlike a list, does not allow.
_NO_INDEX = frozenset(["iterator", "view"])
_NO_LENGTH = frozenset(["iterator"])


def find_sequences(visit: Visit, script: Script) -> Iterator[Habit]:
    """Indexing, measuring, changing, adding and merely calling what is no list any more."""
    node = visit.node
    if visit.guarded("attribute"):
        return
    if isinstance(node, ast.Subscript):
        kind = _kind(node.value, visit, script)
        if kind in _NO_INDEX or (kind == "range" and not isinstance(node.ctx, ast.Load)):
            yield _habit(node, "iterator-index", f"{_called(node.value, kind)} cannot be indexed", node.value, kind)
    elif isinstance(node, ast.Attribute) and node.attr in _LIST_METHODS:
        kind = _kind(node.value, visit, script)
        if kind and not (kind == "range" and node.attr in {"count", "index"}):
            problem = f"{_called(node.value, kind)} has no {node.attr}"
            yield _habit(node, "iterator-method", problem, node.value, kind)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mult)):
        yield from _sum(node, visit, script)
    elif script.calls_builtin(node, {"len"}, visit) and isinstance(node, ast.Call) and len(node.args) == 1:
        kind = _kind(node.args[0], visit, script)
        if kind in _NO_LENGTH:
            problem = f"{_called(node.args[0], kind)} has no length"
            yield _habit(node, "iterator-length", problem, node.args[0], kind)
    elif isinstance(node, ast.Expr) and script.calls_builtin(node.value, {"map", "filter"}, visit):
        name = ast.unparse(node.value).partition("(")[0]
        problem = f"{name} calls nothing until its result is read, and nobody reads it here"
        yield Habit(node, "lazy-call", problem, "a for loop")


def _sum(node: ast.BinOp, visit: Visit, script: Script) -> Iterator[Habit]:
    """A sum or a multiple of lists; what is not known to be a list may be an array that adds ranges to itself."""
    kinds = [_kind(operand, visit, script) or script.kind(operand, visit) for operand in (node.left, node.right)]
    others = {*_WORDS, "list"} if isinstance(node.op, ast.Add) else {"int"}
    for operand, kind, other in zip((node.left, node.right), kinds, reversed(kinds), strict=True):
        known = other in others or (isinstance(node.op, ast.Add) and kind in _NO_INDEX)
        if kind in _WORDS and known:
            problem = f"{_called(operand, kind)} cannot be added or multiplied"
            yield _habit(operand, "iterator-sum", problem, operand, kind)
            return


def _kind(node: ast.expr, visit: Visit, script: Script) -> str:
    """The kind of an expression when it is one that was a list in Python 2."""
    kind = script.kind(node, visit)
    if kind in _WORDS:
        return "" if script.may_import_any_name and kind != "view" else kind
    # Of an unknown object's keys() only a script that is not Python 3 already is taken to expect a list.
    is_view = (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"keys", "values", "items"}
        and not node.args
        and not node.keywords
        and not kind
        and not visit.scope.module_of(node.func.value)
    )
    if is_view and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return "" if script.is_python_3 or node.func.attr in script.own_attributes else "view"
    return ""


def _called(node: ast.expr, kind: str) -> str:
    text = ast.unparse(node)
    if isinstance(node, ast.Call):
        return f"{ast.unparse(node.func).rpartition('.')[2]}() gives {_WORDS[kind]}, which"
    return f"{text if len(text) <= 40 else 'this'} is {_WORDS[kind]}, which"


def _habit(place: ast.AST, code: str, problem: str, value: ast.expr, kind: str) -> Habit:
    text = ast.unparse(value)
    shown = text if len(text) <= 40 and "\n" not in text else "..."
    suggestion = f"list({shown})" if isinstance(value, ast.Call) else f"list(...) where {shown} gets its value"
    if kind == "view" and code == "iterator-method" and isinstance(place, ast.Attribute) and place.attr == "sort":
        suggestion = f"sorted({shown.removesuffix('.keys()')})"
    return Habit(place, code, problem, suggestion)
