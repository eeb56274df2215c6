"""Visits every node of a script's tree together with what surrounds it."""

from __future__ import annotations

import ast
from typing import NamedTuple

from pyflink_stream.check.scopes import Scope, bind_names

_GUARDED_BY = {
    "ImportError": "import",
    "ModuleNotFoundError": "import",
    "NameError": "name",
    "AttributeError": "attribute",
}
_VERSION_NAMES = frozenset(
    [
        "py2",
        "py3",
        "is_py2",
        "is_py3",
        "ispy3",
        "python2",
        "python3",
        "version_info",
        "hexversion",
        "python_version",
        "python_version_tuple",
    ]
)


class Visit(NamedTuple):
    """A node, the node around it, its scope, and the guards of the author's own around it.

    The guards are import, name and attribute (failing with that error is provided for), version (the code has asked
    which Python it runs on), and ``.x`` (it has asked whether an object has an attribute x). ``shown`` is the node
    to point at: of what is inside an f-string, the string, as Python before 3.12 does not know where the inside is.
    """

    node: ast.AST
    parent: ast.AST | None
    scope: Scope
    guards: frozenset[str]
    shown: ast.AST

    def guarded(self, guard: str) -> bool:
        return "version" in self.guards or guard in self.guards


def visits(tree: ast.Module) -> list[Visit]:
    """All nodes, with all names bound in their scopes."""
    found: list[Visit] = []
    pending = [Visit(tree, None, Scope(tree, None), frozenset(), tree)]
    while pending:
        visit = pending.pop()
        found.append(visit)
        bind_names(visit.node, visit.scope)
        pending.extend(reversed(_children(visit)))
    return found


def _children(visit: Visit) -> list[Visit]:
    """The nodes directly inside, in the order of the text (so that `global x` comes before `x = 1`)."""
    node, scope = visit.node, visit.scope
    inner = scope
    guards_within = visit.guards
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
        inner = Scope(node, scope)
        guards_within &= {"version"}  # it runs later, when the try around it is over
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        inner = Scope(node, scope)
    children: list[Visit] = []
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            shown = visit.shown if isinstance(visit.shown, ast.JoinedStr) else child
            outside = field in {"decorator_list", "returns", "bases", "keywords"} and not isinstance(node, ast.Call)
            guards = visit.guards if outside or inner is scope else guards_within
            children.append(
                Visit(child, node, scope if outside else inner, guards | _guards(node, field, child), shown)
            )
    return [_moved_out(child, scope) for child in children]


def _moved_out(child: Visit, outer: Scope) -> Visit:
    """Defaults and annotations belong to the scope around a function, not to the function's own."""
    if isinstance(child.parent, ast.arguments) and not isinstance(child.node, ast.arg):
        return child._replace(scope=child.scope.parent or outer)
    if isinstance(child.parent, ast.arg):
        return child._replace(scope=child.scope.parent or outer)
    return child


def _guards(node: ast.AST, field: str, child: ast.AST) -> set[str]:
    if isinstance(node, ast.Try) and field == "body":
        return {guard for handler in node.handlers for guard in _caught(handler, child)}
    if isinstance(node, ast.ExceptHandler) and field == "body":
        return _caught(node, child)
    if isinstance(node, (ast.If, ast.IfExp)):
        return set() if field == "test" and isinstance(node, ast.If) else _asked(node.test)
    if isinstance(node, ast.BoolOp):
        return _asked(node)
    return set()


def _caught(handler: ast.ExceptHandler, child: ast.AST) -> set[str]:
    names = {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)} if handler.type else {"BaseException"}
    guards = {_GUARDED_BY[name] for name in names if name in _GUARDED_BY}
    # A handler for everything says something about an import it directly surrounds, nothing about a whole program.
    if names & {"Exception", "BaseException", "StandardError"} and isinstance(child, (ast.Import, ast.ImportFrom)):
        guards.add("import")
    return guards


def _asked(test: ast.expr) -> set[str]:
    asked: set[str] = set()
    for node in ast.walk(test):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        is_version = name.lower() in _VERSION_NAMES
        if isinstance(node, ast.Attribute) and node.attr == "version" and isinstance(node.value, ast.Name):
            is_version = node.value.id == "sys"
        if is_version:
            asked.add("version")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hasattr":
            asked.update(f".{a.value}" for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
    return asked
