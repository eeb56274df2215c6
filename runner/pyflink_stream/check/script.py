"""What the search for habits needs to know about the whole script."""

from __future__ import annotations

import ast
import sys
from typing import NamedTuple

from pyflink_stream.check.era import has_true_division, is_python_3
from pyflink_stream.check.kinds import Kinds
from pyflink_stream.check.walk import Visit, visits


class Habit(NamedTuple):
    """Something that Python 3 reads but runs differently or not at all; of an attribute, its name is the place."""

    place: ast.AST
    code: str
    problem: str
    suggestion: str


class Script:
    """A parsed script: its nodes with their surroundings, and what holds for all of it."""

    def __init__(self, tree: ast.Module, filename: str, has_python_2_syntax: bool) -> None:
        self.filename = filename
        self.visits = visits(tree)
        self.kinds = Kinds()
        self.is_python_3 = not has_python_2_syntax and is_python_3(self.visits)
        self.true_division = has_true_division(tree)
        self.own_attributes: set[str] = set()  # methods and attributes that the script itself defines
        self.imported: set[str] = set()  # top-level names of modules
        # Names of what is called or defined as a function somewhere.
        self.functions: set[str] = set()
        self.may_import_any_name = False
        for visit in self.visits:
            self._note(visit)

    def kind(self, node: ast.expr, visit: Visit) -> str:
        return self.kinds.of(node, visit.scope)

    def calls_builtin(self, node: ast.AST | None, names: set[str], visit: Visit) -> bool:
        """Whether the node calls one of these built-ins, and not something of the script's own of that name."""
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in names
            and not visit.scope.lookup(node.func.id)
            and not self.may_import_any_name
        )

    def _note(self, visit: Visit) -> None:
        node = visit.node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            self.functions.add(node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
        elif isinstance(node, ast.FunctionDef):
            self.functions.add(node.name)
        if isinstance(node, ast.ClassDef):
            defined = defined_in(node)
            self.own_attributes.update(defined.keys() - ({"next"} if is_old_iterator(defined) else set()))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            self.own_attributes.add(node.attr)
        elif isinstance(node, ast.Import):
            self.imported.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            root = (node.module or "").partition(".")[0]
            self.imported.add(root)
            if any(alias.name == "*" for alias in node.names):
                known = not node.level and (root in sys.stdlib_module_names or root in {"org", "java"})
                self.may_import_any_name = self.may_import_any_name or not known


def defined_in(node: ast.ClassDef) -> dict[str, ast.stmt]:
    """The methods and the attributes that the body of a class defines, and where."""
    defined: dict[str, ast.stmt] = {}
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            defined[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            defined.update({t.id: statement for t in statement.targets if isinstance(t, ast.Name)})
    return defined


def is_old_iterator(defined: dict[str, ast.stmt]) -> bool:
    """Whether a class is its own iterator by ``next`` alone; any other ``next`` is a method like all others."""
    method = defined.get("__iter__")
    if method is None or "__next__" in defined or not isinstance(defined.get("next"), ast.FunctionDef):
        return False
    returned = [node.value for node in ast.walk(method) if isinstance(node, ast.Return)]
    return any(isinstance(value, ast.Name) and value.id == "self" for value in returned)
