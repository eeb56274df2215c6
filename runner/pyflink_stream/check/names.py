"""Built-in functions and types that Python 3 dropped, and arguments that those it kept no longer take."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflink_stream.check.kinds import open_mode
from pyflink_stream.check.renamed import BUILTINS
from pyflink_stream.check.script import Habit, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflink_stream.check.walk import Visit


def find_names(visit: Visit, script: Script) -> Iterator[Habit]:
    """Removed built-ins, comparison functions for sorting, and modes of ``open``."""
    node = visit.node
    if isinstance(node, ast.Name):
        yield from _removed_builtin(node, visit, script)
    elif isinstance(node, ast.Call):
        yield from _comparison(node, visit, script)
        yield from _universal_newlines(node, visit, script)
        yield from _map_of_none(node, visit, script)
        yield from _json_encoding(node, visit)


def _removed_builtin(node: ast.Name, visit: Visit, script: Script) -> Iterator[Habit]:
    if node.id not in BUILTINS or not isinstance(node.ctx, ast.Load):
        return
    if visit.scope.lookup(node.id) or script.may_import_any_name or visit.guarded("name"):
        return
    yield Habit(node, "removed-builtin", f"{node.id} is no longer built in", BUILTINS[node.id])


def _comparison(node: ast.Call, visit: Visit, script: Script) -> Iterator[Habit]:
    is_method = (
        isinstance(node.func, ast.Attribute) and node.func.attr == "sort" and "sort" not in script.own_attributes
    )
    if visit.guards or not (is_method or script.calls_builtin(node, {"sorted"}, visit)):
        return
    # `sorted` takes one argument by place, the method none; only the built-in is certain to be the one meant.
    by_place = node.args[:1] if is_method else node.args[1:]
    if is_method and not (by_place and isinstance(by_place[0], ast.Lambda) and len(by_place[0].args.args) == 2):
        by_place = []
    by_place = [argument for argument in by_place if not isinstance(argument, ast.Starred)]
    by_name = [keyword.value for keyword in node.keywords if keyword.arg == "cmp"]
    if by_place or by_name:
        problem = "sorting takes no comparison function in Python 3"
        suggestion = "key=..., or key=functools.cmp_to_key(comparison)"
        yield Habit(node.func, "sort-cmp", problem, suggestion)


def _map_of_none(node: ast.Call, visit: Visit, script: Script) -> Iterator[Habit]:
    if script.calls_builtin(node, {"map"}, visit) and node.args and _is_none(node.args[0]):
        rest = ", ".join(map(ast.unparse, node.args[1:]))
        suggestion = f"list({rest})" if len(node.args) == 2 else f"itertools.zip_longest({rest})"
        yield Habit(node, "map-none", "map calls its first argument in Python 3, so that it cannot be None", suggestion)


def _json_encoding(node: ast.Call, visit: Visit) -> Iterator[Habit]:
    function = visit.scope.module_of(node.func)
    if "version" in visit.guards or function not in {"json.load", "json.loads", "json.dump", "json.dumps"}:
        return
    by_name = any(keyword.arg == "encoding" for keyword in node.keywords)
    # What is read comes first, and what is written to before anything else that has no name.
    if by_name or (function in {"json.load", "json.loads"} and len(node.args) > 1):
        name = function.removeprefix("json.")
        suggestion = f"json.{name}({', '.join(map(ast.unparse, node.args[: 2 if name == 'dump' else 1]))})"
        yield Habit(node.func, "json-encoding", f"json.{name} takes no encoding in Python 3", suggestion)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _universal_newlines(node: ast.Call, visit: Visit, script: Script) -> Iterator[Habit]:
    if script.calls_builtin(node, {"open"}, visit) and "U" in open_mode(node):
        mode = open_mode(node).replace("U", "")
        suggestion = f'mode "{mode or "r"}": text is read with universal newlines anyway'
        yield Habit(node, "open-mode", "open has no mode U since Python 3.11", suggestion)
