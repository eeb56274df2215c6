"""Puts the code of functions into a chain's own: where it called them, and where they collected what comes behind.

Every instruction keeps the place in the source that it comes from, but for its line: all copies of a function have
lines of their own, behind those of the generated code. So the line of an error tells in which of the functions it was
raised, for which operator and with which record, as it does elsewhere in a chain.
"""

from __future__ import annotations

import ast
import sys
from bisect import bisect_right
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stream_engine.operators.code import Inlined
from stream_engine.operators.inlining.templates import NotInlined, template_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

    from stream_engine.operators.code import Code, Site
    from stream_engine.operators.inlining.templates import Template

# How often what is behind a function is copied into it; it may collect at more places, and calls it there.
_COPIES = 2
# Levels of functions that collect within others.
_MOST_LEVELS = 3
_CALLS = ("function", "key")


def inlined(code: Code) -> dict[str, CodeType]:
    """The functions of compiled ``code``, by name, into which something could be put, with that in them.

    None where somebody watches which functions are called: a debugger, a profiler, what measures coverage.
    """
    if _watched():
        return {}
    tree = ast.parse("\n".join(code.text))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    inliner = _Inliner(code, functions)
    changed = [name for name in functions if inliner.transformed(name)]
    module = ast.Module([functions[name] for name in changed], [])
    try:
        compiled = compile(module, code.filename, "exec", dont_inherit=True)
    except (SyntaxError, RecursionError):
        # Too many loops within each other.
        return {}
    codes = {each.co_name: each for each in compiled.co_consts if hasattr(each, "co_name")}
    return {name: codes[name] for name in changed}


def _watched() -> bool:
    tools = getattr(sys, "monitoring", None)
    monitored = tools is not None and any(tools.get_tool(number) is not None for number in range(6))
    return monitored or sys.gettrace() is not None or sys.getprofile() is not None


class _Inliner:
    def __init__(self, code: Code, functions: dict[str, ast.FunctionDef]) -> None:
        self.functions = functions
        self._code = code
        self._sites = code.sites
        # Where blocks of lines begin that are copied together, as statements may be longer than a line.
        self._blocks = [*(function.lineno for function in functions.values()), len(code.text) + 1]
        self._changed: dict[str, bool] = {}
        self._level = 0

    def transformed(self, name: str) -> bool:
        """Puts into the function of that name what can be; whether there was anything."""
        if name not in self._changed:
            self._changed[name] = False
            function = self.functions[name]
            self._level += 1
            self._changed[name] = self._transform(function)
            self._level -= 1
        return self._changed[name]

    def _transform(self, node: ast.AST) -> bool:
        changed = False
        for field in ("body", "orelse", "handlers", "finalbody"):
            block: list[Any] | None = getattr(node, field, None)
            if not isinstance(block, list) or not block:
                continue
            done: list[Any] = []
            for each in block:
                before = self._inline(each)
                changed |= self._transform(each) or before is not None
                done += before or []
                if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)):
                    done.append(each)
            block[:] = done or [ast.copy_location(ast.Pass(), node)]
        return changed

    def _inline(self, statement: ast.AST) -> list[ast.stmt] | None:
        """What is to be done before a statement, in which the result takes the place of a call; None: it stays."""
        field = {ast.Assign: "value", ast.Expr: "value", ast.If: "test"}.get(type(statement), "")  # pyright: ignore[reportArgumentType]
        call = getattr(statement, field, None)
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return None
        site = self._sites[call.lineno - 1]
        arguments = [each.id for each in call.args if isinstance(each, ast.Name)]
        if site.role not in _CALLS or len(arguments) < len(call.args) or call.keywords:
            return None
        try:
            template = template_of(self._code.namespace.get(call.func.id), len(arguments))
        except NotInlined:
            return None
        body, result = _Copy(self, template, arguments, site, call).made()
        if field == "test" and _is_in_parts(result):
            # A jump would be made of each part, where now the whole is one value.
            name = self.fresh("v")
            body.append(ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], result), call))
            result = ast.Name(name, ast.Load())
        setattr(statement, field, ast.copy_location(result, call) if isinstance(result, ast.Name) else result)
        return [ast.fix_missing_locations(each) for each in body]

    def take_lines(self, sites: Iterable[Site]) -> int:
        """The first of new lines for ``sites``."""
        first = len(self._sites) + 1
        self._blocks.append(first)
        self._sites.extend(sites)
        return first

    def fresh(self, name: str) -> str:
        return self._code.fresh(name)

    def bind(self, hint: str, value: Any) -> str:
        return self._code.bind(hint, value)

    def behind(self, collector: str) -> ast.FunctionDef | None:
        """What a collector of that name calls, if that is part of the chain and not too deep in it."""
        name = self._code.collects.get(id(self._code.namespace.get(collector)), "")
        if name not in self.functions or self._level > _MOST_LEVELS:
            return None
        self.transformed(name)
        return self.functions[name]

    def copy(self, function: ast.FunctionDef, record: str, outer: Inlined) -> list[ast.stmt]:
        """The body of a generated function of one record, called by what is inlined as ``outer``."""
        body = deepcopy(function.body)
        nodes = [node for statement in body for node in ast.walk(statement)]
        stored = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        names = {name: self.fresh(name) for name in stored} | {function.args.args[0].arg: record}
        moved: dict[int, int] = {}
        for node in nodes:
            if isinstance(node, ast.Name):
                node.id = names.get(node.id, node.id)
            if (line := getattr(node, "lineno", None)) is not None:
                number = bisect_right(self._blocks, line) - 1
                begin = self._blocks[number]
                if begin not in moved:
                    moved[begin] = self._copy_block(number, names, outer) - begin
                _move(node, moved[begin])
        return body

    def _copy_block(self, number: int, names: dict[str, str], outer: Inlined) -> int:
        begin = self._blocks[number]
        end = self._blocks[number + 1] if number + 1 < len(self._blocks) else len(self._sites) + 1
        return self.take_lines(
            [
                replace(
                    site,
                    record=names.get(site.record or "", site.record),
                    value=names.get(site.value or "", site.value),
                    inlined=(outer, *site.inlined),
                )
                for site in self._sites[begin - 1 : end - 1]
            ]
        )


def _is_in_parts(value: ast.expr) -> bool:
    several = isinstance(value, ast.Compare) and len(value.ops) > 1
    return several or isinstance(value, ast.BoolOp | ast.UnaryOp | ast.IfExp)


def _move(node: Any, lines: int) -> None:
    node.lineno += lines
    node.end_lineno += lines


class _Copy(ast.NodeTransformer):
    """One copy of a function, called with the variables ``arguments`` at a ``site`` of generated code."""

    def __init__(self, inliner: _Inliner, template: Template, arguments: list[str], site: Site, call: ast.Call) -> None:
        self._inliner = inliner
        self._template = template
        self._call = call
        self._names = {name: inliner.fresh(name) for name in sorted(template.variables)}
        self._collectors: dict[str, str] = {}
        self._copies = 0
        for parameter, argument in zip(template.parameters, arguments, strict=True):
            if parameter not in self._names:
                self._names[parameter] = argument
                self._collectors[parameter] = argument
        self._arguments = [
            (self._names[parameter], argument)
            for parameter, argument in zip(template.parameters, arguments, strict=True)
            if parameter in template.variables
        ]
        if template.own_name is not None:
            self._names[template.own_name] = inliner.bind("self", template.owner)
        self._bound: dict[str, ast.expr] = {}
        lines = [line for node in self._nodes() for line in (node.lineno, node.end_lineno)]
        first, last = min(lines, default=1), max(lines, default=1)
        self._function = template.function
        begin = inliner.take_lines(
            replace(site, inlined=(Inlined(template.function, line),)) for line in range(first, last + 1)
        )
        self._shift = begin - first

    def made(self) -> tuple[list[ast.stmt], ast.expr]:
        """The statements, and the result."""
        body: list[ast.stmt] = [
            self._assign(name, ast.Name(argument, ast.Load())) for name, argument in self._arguments
        ]
        for statement in deepcopy(self._template.statements):
            made = self.visit(statement)
            body += made if isinstance(made, list) else [made]
        return body, self.visit(deepcopy(self._template.result))

    def _nodes(self) -> Iterable[Any]:
        for part in (*self._template.statements, self._template.result):
            yield from (node for node in ast.walk(part) if hasattr(node, "lineno"))

    def _assign(self, name: str, value: ast.expr) -> ast.stmt:
        statement = ast.Assign([ast.Name(name, ast.Store())], value)
        return ast.fix_missing_locations(ast.copy_location(statement, self._call))

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Expr) and (collected := self._collected(node.value)) is not None:
            return collected
        if hasattr(node, "lineno"):
            _move(node, self._shift)
        return super().visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._names:
            node.id = self._names[node.id]
            return node
        code = self._function.__code__
        if node.id in code.co_freevars:
            cell = (self._function.__closure__ or ())[code.co_freevars.index(node.id)]
            of = ast.Name(self._bind(node.id, cell), ast.Load())
            return self._at(ast.Attribute(ast.copy_location(of, node), "cell_contents", ast.Load()), node)
        if node.id in self._function.__globals__:
            # What it stands for may change.
            of = ast.Name(self._bind("globals", self._function.__globals__), ast.Load())
            key = ast.copy_location(ast.Constant(node.id), node)
            return self._at(ast.Subscript(ast.copy_location(of, node), key, ast.Load()), node)
        return node

    def _bind(self, hint: str, value: Any) -> str:
        return self._inliner.bind(hint, value)

    def _at(self, made: ast.expr, node: ast.expr) -> ast.expr:
        return ast.copy_location(made, node)

    def _collected(self, call: ast.expr) -> list[ast.stmt] | None:
        """For ``collector.collect(value)``: what the chain does with the value."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "collect":
            return None
        of = call.func.value
        if not isinstance(of, ast.Name) or of.id not in self._collectors or len(call.args) != 1 or call.keywords:
            return None
        behind = self._inliner.behind(self._collectors[of.id]) if self._copies < _COPIES else None
        if behind is None:
            return None
        self._copies += 1
        record = self._inliner.fresh("record")
        place = (call.lineno, call.end_lineno or call.lineno, call.col_offset, call.end_col_offset or call.col_offset)
        target = ast.copy_location(ast.Name(record, ast.Store()), call)
        assign = ast.copy_location(ast.Assign([target], call.args[0]), call)
        return [self.visit(assign), *self._inliner.copy(behind, record, Inlined(self._function, place[0], place))]
