"""Puts the code of short user functions in place of their calls in a chain.

Lines that are put in are numbered after those of the generated code, and keep their columns; ``report.inlined`` has the
frames that the calls would have had.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from contextlib import contextmanager, suppress
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from stream_engine import logs
from stream_engine.operators.definitions import NotInlined, at_place, cell_of, definition_of, nodes_of, stored
from stream_engine.operators.writer import Collector
from stream_engine.report import GENERATED, Place, inlined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream_engine.operators.code import Code, Site
    from stream_engine.operators.definitions import Definition

_CALLS: dict[type[ast.AST], str] = {ast.Assign: "value", ast.Expr: "value", ast.If: "test"}
# Functions that collect within others.
_LEVELS = 4


def inline(code: Code) -> None:
    """Inlines functions in all that ``code`` was compiled to, from the next call on.

    Does nothing where somebody watches which functions are called: a debugger, a profiler, what measures coverage.
    """
    tools = getattr(sys, "monitoring", None)
    monitored = tools is not None and any(tools.get_tool(number) is not None for number in range(6))
    if not monitored and sys.gettrace() is None and sys.getprofile() is None:
        with _source_unwarned():
            _Inliner(code).run()


@contextmanager
def _source_unwarned() -> Iterator[None]:
    """Ignores warnings of source, which have been given before.

    After ``catch_warnings`` Python would show again what functions warn of.
    """
    ignored: Any = ("ignore", None, Warning, re.compile(GENERATED), 0)
    filters: Any = warnings.filters
    filters.insert(0, ignored)
    try:
        yield
    finally:
        # Another thread may have replaced all filters.
        with suppress(ValueError):
            filters.remove(ignored)


class _Inliner:
    def __init__(self, code: Code) -> None:
        self.code = code
        self._sites = code.sites
        self._functions = {each.name: each for each in ast.parse(code.text).body if isinstance(each, ast.FunctionDef)}
        # Functions that are part of others now, and the one that is being written.
        self._joined, self._name = set[str](), ""

    def run(self) -> None:
        module = ast.Module([], [])
        # A function comes after those that collect into it.
        for name, function in self._functions.items():
            if name not in self._joined:
                self._name = name
                function.body = self._block(function.body)
                module.body.append(function)
        compiled: dict[str, Any] = {}
        exec(compile(module, self.code.filename, "exec", dont_inherit=True), compiled)
        for name in self._functions.keys() & compiled:
            # Whoever has the function has its new code.
            self.code.namespace[name].__code__ = compiled[name].__code__

    def _block(self, block: list[ast.stmt]) -> list[ast.stmt]:
        done: list[ast.stmt] = []
        for statement in block:
            self._name = getattr(statement, "name", self._name)
            done += self._statement(statement)
            for part in (statement, *getattr(statement, "handlers", ())):
                for field in ("body", "orelse", "finalbody"):
                    if inner := getattr(part, field, None):
                        setattr(part, field, self._block(inner))
        return done

    def _statement(self, statement: ast.stmt) -> list[ast.stmt]:
        """What is done in place of a generated statement."""
        call = getattr(statement, _CALLS.get(type(statement), ""), None)
        if not isinstance(call, ast.Call) or self._sites[call.lineno - 1].role not in ("function", "key"):
            return [statement]
        names = [each.id for each in (call.func, *call.args) if isinstance(each, ast.Name)]
        if len(names) < 1 + len(call.args):
            return [statement]
        called, target = self.code.namespace.get(names[0]), None
        try:
            definition = definition_of(called, len(call.args))
        except NotInlined as reason:
            # An object that can be called may have code of its own for any attribute.
            named: Any = called if type(called) in (FunctionType, MethodType) else type(called)
            logs.debug("calls %s: %s", named.__qualname__, reason)
            return [statement]
        if isinstance(statement, ast.If):
            # Whether the result is true is asked here, not in the function.
            target = self.code.fresh("passes")
            statement.test = at_place(call, ast.Name(target, ast.Load()))
        elif isinstance(statement, ast.Assign):
            target = next(stored(statement.targets))
        body = _Copy(self, definition, call, names[1:], target).body
        return [*body, statement] if isinstance(statement, ast.If) else body

    def take_lines(self, definition: Definition, caller: int) -> None:
        """Numbers the lines of a function that line ``caller`` calls."""
        nodes = [node for node in nodes_of(definition.body) if isinstance(node, ast.stmt | ast.expr)]
        lines = range(min(each.lineno for each in nodes), max(each.end_lineno or 0 for each in nodes) + 1)
        code, outer = definition.function.__code__, self._frames(caller)
        frames = [(*outer, Place(code.co_filename, line, code.co_name)) for line in lines]
        self._move(definition.body, lines, frames, [self._sites[caller - 1]] * len(lines))

    def collected(self, collector: str, call: ast.Call) -> tuple[str, list[ast.stmt]] | None:
        """The variable with what a collector gets by ``call``, and what is done with it; None: it has to be called."""
        bound = self.code.namespace.get(collector)
        name = bound.collect.__name__ if isinstance(bound, Collector) else ""
        *outer, place = self._frames(call.lineno)
        if name not in self._functions or name in self._joined or len(outer) >= 2 * _LEVELS:
            return None
        # A function blames its caller with some warnings: of a line that has moved they would be shown again.
        if "__warningregistry__" in self.code.namespace:
            return None
        self._joined.add(name)
        function = self._functions[name]
        lines = range(function.lineno, (function.end_lineno or 0) + 1)
        end = place.line + (call.end_lineno or 0) - call.lineno
        outer.append(place._replace(end_line=end, column=call.col_offset, end_column=call.end_col_offset))
        frames = [(*outer, Place(self.code.filename, line, name)) for line in lines]
        # Numbered anew: somebody may be in the middle of the function itself.
        self._move([function], lines, frames, self._sites[lines[0] - 1 : lines[-1]])
        return function.args.args[1].arg, self._block(function.body)

    def _frames(self, line: int) -> tuple[Place, ...]:
        """The frames that a generated line stands for."""
        return inlined.get((self.code.filename, line)) or (Place(self.code.filename, line, self._name),)

    def _move(self, body: Iterable[ast.AST], lines: range, frames: list[tuple[Place, ...]], sites: list[Site]) -> None:
        """Gives ``lines`` numbers after all others."""
        shift = len(self._sites) + 1 - lines[0]
        self._sites += sites
        inlined.update(((self.code.filename, line + shift), each) for line, each in zip(lines, frames, strict=True))
        for node in nodes_of(body):
            if hasattr(node, "lineno"):
                node.lineno, node.end_lineno = node.lineno + shift, node.end_lineno + shift


class _Copy(ast.NodeTransformer):
    """Puts a function in place of a ``call`` with the variables ``arguments``."""

    def __init__(
        self, inliner: _Inliner, definition: Definition, call: ast.Call, arguments: list[str], target: str | None
    ) -> None:
        inliner.take_lines(definition, call.lineno)
        self._inliner, self._function, self._target = inliner, definition.function, target
        given = dict(zip(definition.parameters, arguments, strict=True))
        made = {name: inliner.code.fresh(name) for name in sorted(definition.variables)}
        self._names = {**given, **made}
        self._names.update((name, inliner.code.bind("self", owner)) for name, owner in definition.owner.items())
        names = [node.id for node in nodes_of(definition.body) if isinstance(node, ast.Name)]
        self._once = {name: given[name] for name in given.keys() - made if names.count(name) == 1}
        # A parameter that is assigned needs a variable of its own.
        self.body: list[ast.stmt] = [
            at_place(call, ast.Assign([ast.Name(made[name], ast.Store())], ast.Name(given[name], ast.Load())))
            for name in given.keys() & made
        ]
        for statement in definition.body:
            done = self.visit(statement)
            self.body += done if isinstance(done, list) else [done]
        if made:
            # What only they have is gone at the end of a function: files are closed, memory is free.
            cleared: list[ast.expr] = [ast.Name(name, ast.Store()) for name in made.values()]
            self.body.append(at_place(call, ast.Assign(cleared, ast.Constant(None))))

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        value = at_place(node, ast.Constant(None)) if node.value is None else self.visit(node.value)
        target = self._target
        return at_place(node, ast.Expr(value) if target is None else ast.Assign([ast.Name(target, ast.Store())], value))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        function, bind = self._function, self._inliner.code.bind
        if node.id in self._names:
            node.id = self._names[node.id]
        elif node.id in function.__code__.co_freevars:
            cell = ast.Name(bind(node.id, cell_of(function, node.id)), ast.Load())
            return at_place(node, ast.Attribute(cell, "cell_contents", ast.Load()))
        elif node.id in function.__globals__:
            # It may have another value by the next record.
            names = ast.Name(bind("globals", function.__globals__), ast.Load())
            return at_place(node, ast.Subscript(names, ast.Constant(node.id), ast.Load()))
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        """``collector.collect(value)`` becomes what is done with the value, where nothing else has the collector."""
        match node.value:
            case ast.Call(ast.Attribute(ast.Name(name), "collect"), [value], []) if name in self._once:
                if collected := self._inliner.collected(self._once[name], node.value):
                    record, body = collected
                    return [at_place(node, ast.Assign([ast.Name(record, ast.Store())], self.visit(value))), *body]
        return self.generic_visit(node)
