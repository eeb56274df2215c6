"""Class definitions that Python 3 reads but ignores: old metaclasses and special methods."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflink_stream.check.renamed import SPECIAL_METHODS
from pyflink_stream.check.script import Habit, Script, defined_in, is_old_iterator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflink_stream.check.walk import Visit


def find_classes(visit: Visit, script: Script) -> Iterator[Habit]:
    """Methods that nothing calls any more, ``__metaclass__``, and string exceptions."""
    node = visit.node
    if isinstance(node, ast.Raise) and node.exc and script.kind(node.exc, visit) == "str":
        problem = "a str cannot be raised"
        yield Habit(node, "string-exception", problem, "raise an exception, such as RuntimeError(...)")
    if isinstance(node, ast.Assign) and isinstance(visit.parent, ast.Module) and "version" not in visit.guards:
        value = ast.unparse(node.value)
        if value != "type" and [ast.unparse(target) for target in node.targets] == ["__metaclass__"]:
            problem = "Python 3 does not look at a module's __metaclass__"
            yield Habit(node, "metaclass", problem, f"metaclass={value} in each class that has no base")
    if not isinstance(node, ast.ClassDef) or "version" in visit.guards:
        return
    defined = defined_in(node)
    for name, place in defined.items():
        if name in SPECIAL_METHODS:
            counterparts, suggestion = SPECIAL_METHODS[name]
            if not any(counterpart in defined for counterpart in counterparts):
                yield Habit(place, "special-method", f"Python 3 never calls {name}", suggestion)
    if is_old_iterator(defined):
        problem = "Python 3 asks an iterator for __next__, not next"
        yield Habit(defined["next"], "special-method", problem, "__next__ (or add: __next__ = next)")
    metaclass = defined.get("__metaclass__")
    if isinstance(metaclass, ast.Assign) and not any(keyword.arg == "metaclass" for keyword in node.keywords):
        value = ast.unparse(metaclass.value)
        if value != "type":
            bases = ", ".join([*map(ast.unparse, node.bases), f"metaclass={value}"])
            problem = "Python 3 does not look at __metaclass__"
            yield Habit(metaclass, "metaclass", problem, f"class {node.name}({bases}):")
