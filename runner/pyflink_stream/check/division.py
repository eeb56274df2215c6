"""Divisions that rounded down in Python 2 because both sides are ints."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflink_stream.check.script import Habit, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflink_stream.check.walk import Visit

# If the quotient is rounded, its author has thought of it, whichever Python runs it.
_ROUNDING = {"int", "round", "long"}


def find_divisions(visit: Visit, script: Script) -> Iterator[Habit]:
    """Finds ``/`` of what is evidently two ints, in a script that is not evidently Python 3."""
    node = visit.node
    if script.is_python_3 or script.true_division or "version" in visit.guards:
        return
    if isinstance(node, ast.BinOp):
        left, right = node.left, node.right
    elif isinstance(node, ast.AugAssign):
        left, right = node.target, node.value
    else:
        return
    if not isinstance(node.op, ast.Div) or script.calls_builtin(visit.parent, _ROUNDING, visit):
        return
    if script.kind(left, visit) == script.kind(right, visit) == "int":
        sign = "//=" if isinstance(node, ast.AugAssign) else "//"
        problem = "'/' of two ints gives a fraction in Python 3; Python 2 rounded down"
        suggestion = f"{ast.unparse(left)} {sign} {ast.unparse(right)} where a whole number is meant"
        if len(suggestion) > 90:
            suggestion = f"{sign} where a whole number is meant"
        yield Habit(node, "int-division", problem, suggestion)
