"""Which names a script binds where, so that a name can be told from the built-in of the same spelling."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Binding(NamedTuple):
    """One place that gives a name its value.

    ``role`` is value (``value`` is what is assigned), element (``value`` is what is iterated over), count (an
    index from enumerate), module (``module`` is imported under the name) or unknown.
    """

    role: str
    scope: Scope
    value: ast.expr | None = None
    module: str = ""


class Scope:
    """A module, class, function, lambda or comprehension, and the names bound directly in it."""

    def __init__(self, node: ast.AST, parent: Scope | None) -> None:
        self.node = node
        self.parent = parent
        self.names: dict[str, list[Binding]] = {}
        self.elsewhere: dict[str, Scope] = {}  # names declared global or nonlocal
        self.attributes: dict[str, list[Binding]] = {}  # of self, for a class

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_comprehension(self) -> bool:
        return isinstance(self.node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp))

    def bind(self, name: str, binding: Binding) -> None:
        self.elsewhere.get(name, self).names.setdefault(name, []).append(binding)

    def declare(self, node: ast.Global | ast.Nonlocal) -> None:
        outer = self.parent or self
        while isinstance(node, ast.Global) and outer.parent:
            outer = outer.parent
        self.elsewhere.update(dict.fromkeys(node.names, outer))

    def lookup(self, name: str) -> list[Binding]:
        """Where the name gets its values; nothing for a built-in or a name that the script does not bind."""
        scope: Scope | None = self
        while scope:
            if name in scope.names and (scope is self or not scope.is_class):
                return scope.names[name]
            scope = scope.parent
        return []

    def enclosing_class(self) -> Scope | None:
        scope: Scope | None = self
        while scope and not scope.is_class:
            scope = scope.parent
        return scope

    def module_of(self, expression: ast.expr) -> str:
        """The dotted name of the module that an expression stands for, as far as imports tell; or nothing."""
        if isinstance(expression, ast.Attribute):
            outer = self.module_of(expression.value)
            return f"{outer}.{expression.attr}" if outer else ""
        if isinstance(expression, ast.Name):
            modules = {binding.module for binding in self.lookup(expression.id)}
            return modules.pop() if len(modules) == 1 else ""
        return ""


def bind_names(node: ast.AST, scope: Scope) -> None:
    """Records in ``scope`` the names that ``node`` itself binds (not what is nested in it)."""
    for name, binding in _bindings(node, scope):
        target = scope
        while isinstance(node, ast.NamedExpr) and target.is_comprehension and target.parent:
            target = target.parent
        target.bind(name, binding)
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        scope.declare(node)


def _bindings(node: ast.AST, scope: Scope) -> Iterator[tuple[str, Binding]]:
    unknown = Binding("unknown", scope)
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target, Binding("value", scope, node.value))
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        if node.value:
            yield from _targets(node.target, Binding("value", scope, node.value))
    elif isinstance(node, ast.AugAssign):
        # `n += 1` is read as `n + 1`; the name on the left counts by its other bindings.
        yield from _targets(node.target, Binding("value", scope, ast.BinOp(node.target, node.op, node.value)))
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield from _loop_targets(node.target, node.iter, scope)
    elif isinstance(node, ast.withitem):
        if node.optional_vars:
            yield from _targets(node.optional_vars, Binding("value", scope, node.context_expr))
    elif isinstance(node, ast.ExceptHandler):
        if node.name:
            yield node.name, unknown
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name, unknown
    elif isinstance(node, ast.arg):
        yield node.arg, unknown
    elif isinstance(node, ast.Import):
        for alias in node.names:
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or module, Binding("module", scope, module=module)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, Binding("module", scope, module=f"{node.module or ''}.{alias.name}")
    elif isinstance(node, (ast.MatchAs, ast.MatchStar)):
        if node.name:
            yield node.name, unknown
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest, unknown
    elif type(node).__name__ in {"TypeVar", "ParamSpec", "TypeVarTuple", "TypeAlias"}:
        name = getattr(node, "name")  # noqa: B009 - these nodes exist from Python 3.12 on
        yield getattr(name, "id", name), unknown


def _targets(target: ast.expr, binding: Binding) -> Iterator[tuple[str, Binding]]:
    """The names in the target of an assignment; a tuple of names takes a tuple of values apart."""
    if isinstance(target, ast.Name):
        yield target.id, binding
    elif isinstance(target, ast.Attribute):
        owner = binding.scope.enclosing_class()
        if owner and isinstance(target.value, ast.Name) and target.value.id == "self":
            owner.attributes.setdefault(target.attr, []).append(binding)
    elif isinstance(target, (ast.Tuple, ast.List)):
        value = binding.value
        values = value.elts if binding.role == "value" and isinstance(value, (ast.Tuple, ast.List)) else []
        for index, element in enumerate(target.elts):
            if len(values) == len(target.elts):
                yield from _targets(element, binding._replace(value=values[index]))
            else:
                yield from _targets(element, Binding("unknown", binding.scope))
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value, Binding("unknown", binding.scope))


def _loop_targets(target: ast.expr, iterated: ast.expr, scope: Scope) -> Iterator[tuple[str, Binding]]:
    counts = (
        isinstance(target, ast.Tuple)
        and len(target.elts) == 2
        and isinstance(iterated, ast.Call)
        and isinstance(iterated.func, ast.Name)
        and iterated.func.id == "enumerate"
    )
    if counts and isinstance(target, ast.Tuple):
        yield from _targets(target.elts[0], Binding("count", scope))
        yield from _targets(target.elts[1], Binding("unknown", scope))
    else:
        yield from _targets(target, Binding("element", scope, iterated))
