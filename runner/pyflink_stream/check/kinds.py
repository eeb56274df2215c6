"""Finds out the kind of value that an expression has, as far as the script alone shows it.

Kinds are words: int, float, str, bytes, list, tuple, dict, set, range, file, binary file, uuid, socket, view (what
``dict.keys`` and the like give), iterator (what ``map``, ``filter`` and ``zip`` give: a list in Python 2, and no more)
and generator (an iterator in both). An empty kind means that nothing is known.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pyflink_stream.check.scopes import Binding, Scope

_DEEPEST = 30  # operands; nobody reads further either
_MOST_BINDINGS = 2000  # for one question, so that names defined by each other take no time
_ITSELF = "itself"  # the kind of a name within its own definition
_STR_CALLS = ["str", "unicode", "repr", "chr", "unichr", "raw_input", "input", "hex", "oct", "bin", "ascii", "format"]
_BUILTINS = {
    **dict.fromkeys(["len", "int", "long", "ord", "hash", "id"], "int"),
    **dict.fromkeys(_STR_CALLS, "str"),
    **dict.fromkeys(["sorted", "list", "dir"], "list"),
    **dict.fromkeys(["map", "filter", "zip"], "iterator"),
    **dict.fromkeys(["iter", "enumerate", "reversed"], "generator"),
    **dict.fromkeys(["range", "xrange"], "range"),
    **{name: name for name in ["float", "dict", "set", "tuple", "bytes"]},
}
_MODULE_CALLS = {
    **{f"uuid.uuid{n}": "uuid" for n in (1, 3, 4, 5)},
    **dict.fromkeys(["collections.defaultdict", "collections.OrderedDict", "collections.Counter"], "dict"),
    **dict.fromkeys(["csv.reader", "csv.DictReader", "os.walk", "re.finditer", "glob.iglob"], "generator"),
    "uuid.UUID": "uuid",
    "socket.socket": "socket",
    "socket.create_connection": "socket",
    "os.listdir": "list",
    "time.time": "float",
}
_STR_METHODS = {
    **dict.fromkeys(
        [
            "strip",
            "lstrip",
            "rstrip",
            "lower",
            "upper",
            "replace",
            "join",
            "title",
            "capitalize",
            "zfill",
            "ljust",
            "rjust",
            "center",
            "format",
        ],
        "str",
    ),
    **dict.fromkeys(["split", "splitlines", "rsplit"], "list"),
    **dict.fromkeys(["find", "rfind", "index", "rindex", "count"], "int"),
    "encode": "bytes",
}
_DISPLAYS: dict[type[ast.expr], str] = {
    ast.JoinedStr: "str",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Tuple: "tuple",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.GeneratorExp: "generator",
}
_VIEWS = frozenset(["keys", "values", "items"])
_INT_OPERATORS = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Mod,
    ast.FloorDiv,
    ast.LShift,
    ast.RShift,
    ast.BitAnd,
    ast.BitOr,
    ast.BitXor,
)


class Kinds:
    """Works out kinds; ``/`` of two ints counts as an int, as in the Python 2 that the script was written for."""

    def __init__(self) -> None:
        self._asked: set[Hashable] = set()  # names being worked out, for those that are defined by themselves
        self._budget = _MOST_BINDINGS

    def of(self, node: ast.expr, scope: Scope, depth: int = 0) -> str:
        if depth > _DEEPEST:
            return ""
        if isinstance(node, ast.Constant):
            kind = type(node.value).__name__
            return kind if kind in {"int", "float", "str", "bytes"} else ""
        if isinstance(node, ast.Name):
            bindings = scope.lookup(node.id)
            return self._common(bindings, id(bindings)) if bindings else ""
        if isinstance(node, ast.Attribute):
            owner = scope.enclosing_class()
            if owner and isinstance(node.value, ast.Name) and node.value.id == "self":
                bindings = [*owner.names.get(node.attr, []), *owner.attributes.get(node.attr, [])]
                return self._common(bindings, (id(owner), node.attr))
            return {"sys.stdin": "file"}.get(scope.module_of(node), "")
        if isinstance(node, ast.Call):
            return self._of_call(node, scope, depth + 1)
        if isinstance(node, ast.BinOp):
            left, right = self.of(node.left, scope, depth + 1), self.of(node.right, scope, depth + 1)
            return _of_operation(node.op, left, right)
        if isinstance(node, ast.UnaryOp):
            return "" if isinstance(node.op, ast.Not) else self.of(node.operand, scope, depth + 1)
        if isinstance(node, ast.IfExp):
            kind = self.of(node.body, scope, depth + 1)
            return kind if kind == self.of(node.orelse, scope, depth + 1) else ""
        if isinstance(node, ast.NamedExpr):
            return self.of(node.value, scope, depth + 1)
        if isinstance(node, ast.Subscript):
            return "str" if self.of(node.value, scope, depth + 1) == "str" else ""
        return _DISPLAYS.get(type(node), "")

    def element(self, node: ast.expr, scope: Scope) -> str:
        """The kind of what iterating over an expression gives."""
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
            kinds = {self.of(element, scope, 1) for element in node.elts}
            return kinds.pop() if len(kinds) == 1 else ""
        return {"range": "int", "str": "str", "file": "str", "binary file": "bytes"}.get(self.of(node, scope), "")

    def _common(self, bindings: list[Binding], key: Hashable) -> str:
        """The kind that all bindings of a name agree on."""
        if key in self._asked:
            return _ITSELF
        if not self._asked:
            self._budget = _MOST_BINDINGS
        self._asked.add(key)
        kinds: set[str] = set()
        for binding in bindings:
            self._budget -= 1
            kinds.add(self._of_binding(binding) if self._budget > 0 else "")
        self._asked.discard(key)
        kinds.discard(_ITSELF)
        return kinds.pop() if len(kinds) == 1 else ""

    def _of_binding(self, binding: Binding) -> str:
        if binding.role == "count":
            return "int"
        if binding.value is None:
            return ""
        if binding.role == "element":
            return self.element(binding.value, binding.scope)
        return self.of(binding.value, binding.scope)

    def _of_call(self, node: ast.Call, scope: Scope, depth: int) -> str:
        function = node.func
        if isinstance(function, ast.Name) and not scope.lookup(function.id):
            if function.id in {"open", "file"}:
                return "binary file" if "b" in open_mode(node) else "file"
            if function.id in {"abs", "min", "max"} and node.args:
                kinds = {self.of(argument, scope, depth) for argument in node.args}
                return "int" if kinds == {"int"} else ""
            return _BUILTINS.get(function.id, "")
        module = scope.module_of(function)
        if module:
            if module.startswith("itertools."):
                return "generator"
            if module == "io.open":
                return "binary file" if "b" in open_mode(node) else "file"
            return _MODULE_CALLS.get(module, "")
        if isinstance(function, ast.Attribute):
            receiver = self.of(function.value, scope, depth)
            if receiver == "str":
                return _STR_METHODS.get(function.attr, "")
            if function.attr == "recv" and node.args and receiver in {"", "socket"}:
                return "bytes"
            if receiver == "binary file" and function.attr in {"read", "readline"}:
                return "bytes"
            if receiver == "dict" and function.attr in _VIEWS and not node.args:
                return "view"
            if receiver == "file" and function.attr in {"read", "readline"}:
                return "str"
            if function.attr in {"iteritems", "iterkeys", "itervalues"} and not node.args:
                return "generator"
        return ""


def open_mode(call: ast.Call) -> str:
    """The mode that a call of ``open`` spells out; read as text when it does not."""
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return next((m.value for m in modes if isinstance(m, ast.Constant) and isinstance(m.value, str)), "r")


def _of_operation(operator: ast.operator, left: str, right: str) -> str:
    if left == _ITSELF:
        left = right
    elif right == _ITSELF:
        right = left
    if left == right == "int":
        return "int" if isinstance(operator, (*_INT_OPERATORS, ast.Div)) else ""
    if {left, right} == {"int", "float"}:
        return "float"
    if left == "str" and (isinstance(operator, ast.Mod) or (isinstance(operator, ast.Add) and right == "str")):
        return "str"
    if left == "str" and right == "int" and isinstance(operator, ast.Mult):
        return "str"
    if left == right == "list" and isinstance(operator, ast.Add):
        return "list"
    return ""
