"""Which classes of the JVM, that Jython scripts import like Python's own, are not there; found without importing."""

from __future__ import annotations

import ast
import os
import sys

ROOTS = frozenset(["org", "java", "javax", "jarray", "scala"])


def missing(module: str, name: str, folder: str) -> str:
    """The dotted name in ``import module`` or ``from module import name`` that is nowhere; nothing when all is there.

    ``folder`` is the script's own, which may hold packages of these names too.
    """
    if module.partition(".")[0] not in ROOTS:
        return ""
    paths = [*(entry or os.getcwd() for entry in sys.path), folder]
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        if not _places(paths, parts[:count]):
            return f"{module}.{name}" if name and name != "*" else module
    if not name or name == "*" or _places(paths, [*parts, name]):
        return ""
    files = [place for place in _places(paths, parts) if place.endswith(".py")]
    return "" if any({name, "*"} & _defined(file) for file in files) else f"{module}.{name}"


def _places(paths: list[str], parts: list[str]) -> list[str]:
    """The files and folders that a dotted name stands for; of a regular package, its ``__init__.py`` too."""
    places: list[str] = []
    for path in paths:
        stem = os.path.join(path, *parts)
        candidates = [f"{stem}.py", os.path.join(stem, "__init__.py"), stem]
        places += [candidate for candidate in candidates if _exists(candidate)]
    return places


def _exists(path: str) -> bool:
    """As a script's import would find it: with the letters' case as written, whatever the file system thinks of it."""
    folder, name = os.path.split(path)
    return os.path.exists(path) and name in os.listdir(folder)


def _defined(file: str) -> frozenset[str]:
    """The names that a module binds; ``*`` stands for names that cannot be told."""
    try:
        with open(file, encoding="utf-8") as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError):
        return frozenset("*")
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)
