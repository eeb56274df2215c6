"""Whether a script is evidently Python 3 already, so that what both Pythons accept is meant as Python 3 means it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflink_stream.check.walk import Visit

_ONLY_PYTHON_3 = (
    ast.JoinedStr,
    ast.AnnAssign,
    ast.NamedExpr,
    ast.Nonlocal,
    ast.AsyncFunctionDef,
    ast.YieldFrom,
    ast.Match,
)
_PYTHON_3_MODULES = frozenset(
    [
        "asyncio",
        "builtins",
        "concurrent",
        "configparser",
        "contextvars",
        "dataclasses",
        "enum",
        "graphlib",
        "http",
        "ipaddress",
        "pathlib",
        "queue",
        "secrets",
        "socketserver",
        "statistics",
        "tomllib",
        "typing",
        "venv",
        "zoneinfo",
    ]
)


def is_python_3(visits: Iterable[Visit]) -> bool:
    """True when the script uses what Python 2 never had: f-strings, annotations, modules of Python 3 and so on."""
    return any(_is_evidence(visit.node) for visit in visits if not visit.guards)


def has_true_division(tree: ast.Module) -> bool:
    """True when the script asked Python 2 itself for Python 3's ``/``."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "division" for alias in node.names)
        for node in tree.body
    )


def _is_evidence(node: ast.AST) -> bool:
    if isinstance(node, _ONLY_PYTHON_3):
        return True
    if isinstance(node, ast.arg):
        return node.annotation is not None
    if isinstance(node, ast.arguments):
        return bool(node.kwonlyargs or node.posonlyargs)
    if isinstance(node, ast.FunctionDef):
        return node.returns is not None
    if isinstance(node, ast.ClassDef):
        return bool(node.keywords)
    if isinstance(node, ast.Raise):
        return node.cause is not None
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in _PYTHON_3_MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        if node.module == "__future__":
            return any(alias.name == "annotations" for alias in node.names)
        return (node.module or "").partition(".")[0] in _PYTHON_3_MODULES and not node.level
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "super":
            return not node.args
        # Python 2 printed a tuple for `print ("a", b)`, so nobody wrote that.
        return node.func.id == "print" and len(node.args) > 1
    return False
