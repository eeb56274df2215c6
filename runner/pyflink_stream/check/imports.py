"""Imports that fail in Python 3: modules under their old names, names that moved, classes of a JVM."""

from __future__ import annotations

import ast
import importlib.util
import os
from typing import TYPE_CHECKING

from pyflink_stream.check import jvm
from pyflink_stream.check.renamed import MEMBERS, MODULES
from pyflink_stream.check.script import Habit, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflink_stream.check.walk import Visit


def find_imports(visit: Visit, script: Script) -> Iterator[Habit]:
    """Finds modules and members that do not exist where the script looks for them, unless it provides for that."""
    node = visit.node
    if isinstance(node, ast.Attribute):
        yield from _member(node, visit)
    if visit.guarded("import"):
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _module(alias, alias.name, script)
            yield from _jvm_import(alias, alias.name, "", script)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from _module(node, node.module, script)
        for alias in node.names:
            moved = MEMBERS.get(f"{node.module}.{alias.name}")
            if moved:
                yield Habit(alias, "moved-name", f"{node.module} has no {alias.name} in Python 3", moved)
            yield from _module(alias, f"{node.module}.{alias.name}", script, whole=True)
            yield from _jvm_import(alias, node.module, alias.name, script)


def _member(node: ast.Attribute, visit: Visit) -> Iterator[Habit]:
    name = visit.scope.module_of(node)
    if name not in MEMBERS or not isinstance(node.ctx, ast.Load):
        return
    if not visit.guarded("attribute") and f".{node.attr}" not in visit.guards:
        problem = f"{name.rpartition('.')[0]} has no {node.attr} in Python 3"
        yield Habit(node, "moved-name", problem, MEMBERS[name])


def _module(place: ast.AST, module: str, script: Script, whole: bool = False) -> Iterator[Habit]:
    """A renamed module: ``module`` itself, or (not ``whole``) the package it is in."""
    root = module.partition(".")[0]
    old = module if module in MODULES else "" if whole else root
    if old not in MODULES or old in _of_the_script(script.filename) or (old == root and _is_installed(root)):
        return
    yield Habit(place, "renamed-module", f"Python 3 has no module {old}", MODULES[old])


def _jvm_import(place: ast.alias, module: str, name: str, script: Script) -> Iterator[Habit]:
    missing = jvm.missing(module, name, os.path.dirname(os.path.abspath(script.filename)))
    if missing:
        from stream_engine.api.jvm import explained

        problem, suggestion = explained(missing)
        yield Habit(place, "jvm-import", problem, suggestion or "use a Python class or library of the same purpose")


def _of_the_script(filename: str) -> set[str]:
    """The modules that lie next to the script, spelled as they are even where the file system ignores case."""
    try:
        return {entry.removesuffix(".py") for entry in os.listdir(os.path.dirname(filename) or ".")}
    except OSError:
        return set()


def _is_installed(root: str) -> bool:
    """Whether some distribution provides the module after all. A top-level name is looked up without importing."""
    try:
        return importlib.util.find_spec(root) is not None
    except (ImportError, ValueError):
        return False
