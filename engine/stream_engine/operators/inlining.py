"""Puts the code of short user functions in place of their calls in a chain, where nobody can tell the difference.

The source of a function is taken if it compiles to the very code in use, and if nothing in it can look at its frame, or
at a variable without a value. Lines that are put in are numbered after those of the generated code, and keep their
columns; ``report.inlined`` has the frames that the calls would have had.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import sys
from copy import deepcopy
from functools import lru_cache
from types import CellType, CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple
from warnings import catch_warnings, simplefilter

from stream_engine import logs
from stream_engine.operators.writer import Collector
from stream_engine.report import Place, inlined, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stream_engine.operators.code import Code, Site

_CALLS: dict[type[ast.AST], str] = {ast.Assign: "value", ast.Expr: "value", ast.If: "test"}
_KNOWN = (
    ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.Pass, ast.Break, ast.Continue,
    ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Attribute, ast.Subscript,
    ast.Slice, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Call, ast.keyword, ast.JoinedStr, ast.FormattedValue,
    ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
# Builtins that neither look at the frame that calls them nor make one.
_CALLABLE = {
    "abs", "all", "any", "bool", "bytes", "chr", "complex", "dict", "divmod", "enumerate", "float", "format",
    "frozenset", "hash", "int", "isinstance", "len", "list", "max", "min", "ord", "pow", "range", "repr", "reversed",
    "round", "set", "sorted", "str", "sum", "tuple", "zip",
}  # fmt: skip
_ASSIGNING = ast.Assign | ast.AugAssign | ast.For
_NESTED = 0x10
# Generators, coroutines, and functions that take any number of arguments.
_OTHER_KINDS = 0x04 | 0x08 | 0x20 | 0x80 | 0x200
# Those of ``from __future__ import``.
_FUTURE = 0x1FE0000
# Nodes of a function, and characters of a file: what is longer gains little, or keeps records waiting.
_LARGEST, _LONGEST = 250, 200_000
# Functions that collect within others.
_LEVELS = 4


class NotInlined(Exception):
    """Why a function is still called."""


class Definition(NamedTuple):
    """What ``function`` does with ``parameters``: ``body``, which returns only at its ends, but at each of them.

    ``owner`` has the object whose method it is, by the name of that, if it is one. ``variables`` are assigned.
    """

    function: Any
    owner: dict[str, Any]
    parameters: tuple[str, ...]
    variables: frozenset[str]
    body: list[ast.stmt]


def definition_of(call: Any, arguments: int) -> Definition:
    """What a call of a function or method with so many arguments does. Raises NotInlined."""
    bound = type(call) is MethodType
    function = call.__func__ if bound else call
    _require(type(function) is FunctionType, "it is not written in Python")
    code: CodeType = function.__code__
    _require(not is_ours(function.__globals__.get("__name__")), "it is internal")
    _require(function.__builtins__ is vars(builtins), "it has builtins of its own")
    _require(not code.co_flags & _OTHER_KINDS, "it is a generator, or takes any number of arguments")
    _require(code.co_argcount - bound == arguments and not code.co_kwonlyargcount, "it has other parameters")
    _require(not code.co_cellvars, "a function in it uses its variables")
    node, changing = _source(function)
    body = [ast.copy_location(ast.Return(node.body), node)] if isinstance(node, ast.Lambda) else node.body
    # Docstrings do nothing.
    body = [each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    body = deepcopy(body)
    owner = {code.co_varnames[0]: call.__self__} if bound else {}
    parameters, variables = code.co_varnames[bound : code.co_argcount], frozenset(_stored(body))
    _require(not owner.keys() & variables, "it assigns self")
    known = {*parameters, *owner}
    for name in _loaded(body) - variables - known:
        if name in code.co_freevars:
            _require(_cell(function, name) != CellType(), f"{name} has no value yet")
        elif name not in function.__globals__:
            # If it were assigned later, that would come before the builtin.
            _require(hasattr(builtins, name) and name not in changing, f"{name} has no value yet")
    others = {*known, *variables, *code.co_freevars, *function.__globals__}
    _check_nodes(body)
    _check_calls(body, set(parameters) - variables, variables, _CALLABLE - others)
    body = _with_ends(body, node)
    _check_assigned(body, known, variables)
    return Definition(function, owner, parameters, variables, body)


def _source(function: FunctionType) -> tuple[ast.FunctionDef | ast.Lambda, set[str]]:
    """The definition that compiles to the function's code, to each column; and the names that its file assigns."""
    code = function.__code__
    # A module knows its source even where it is in an archive.
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    _require(len(text) <= _LONGEST, "its file is long")
    found, changing = _parsed(text)
    for node in found.get((code.co_name, code.co_firstlineno), ()):
        if any(each == code and _positions(each) == _positions(code) for each in _compiled(node, code)):
            return node, changing
    raise NotInlined("its source is not at hand, or has changed")


@lru_cache(maxsize=2)
def _parsed(text: str) -> tuple[dict[tuple[str, int], list[ast.FunctionDef | ast.Lambda]], set[str]]:
    """The functions of a file by name and line, and the names that are assigned in it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        raise NotInlined("its file has changed") from None
    found: dict[tuple[str, int], list[ast.FunctionDef | ast.Lambda]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            found.setdefault((getattr(node, "name", "<lambda>"), node.lineno), []).append(node)
    return found, set(_stored([tree]))


def _compiled(node: ast.FunctionDef | ast.Lambda, code: CodeType) -> list[CodeType]:
    """What a definition compiles to where that of ``code`` is: perhaps in a function with variables for it."""
    tree = ast.parse(f"def outer({', '.join(code.co_freevars)}): pass")
    place: Any = tree.body[0] if code.co_flags & _NESTED else tree
    place.body = [ast.copy_location(ast.Expr(node), node) if isinstance(node, ast.Lambda) else node]
    made = [compile(tree, code.co_filename, "exec", flags=code.co_flags & _FUTURE, dont_inherit=True)]
    for _ in range(2 if code.co_flags & _NESTED else 1):
        made = [inner for each in made for inner in each.co_consts if isinstance(inner, CodeType)]
    return made


def _positions(code: CodeType) -> list[tuple[int | None, ...]]:
    """Where in the source each instruction comes from: lines, and from Python 3.11 on columns."""
    return list(getattr(code, "co_positions", code.co_lines)())


def _cell(function: FunctionType, name: str) -> CellType:
    return (function.__closure__ or ())[function.__code__.co_freevars.index(name)]


def _nodes(parts: Iterable[ast.AST]) -> Iterator[Any]:
    return (node for part in parts for node in ast.walk(part))


def _stored(parts: Iterable[ast.AST]) -> Iterator[str]:
    return (node.id for node in _nodes(parts) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))


def _loaded(parts: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in _nodes(parts) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


# --- what is refused -------------------------------------------------------------------------------------------------


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise NotInlined(otherwise)


def _check_nodes(body: list[ast.stmt]) -> None:
    nodes = list(_nodes(body))
    _require(len(nodes) <= _LARGEST, "it is long")
    for node in nodes:
        known = isinstance(node, _KNOWN) and not (isinstance(node, ast.For) and node.orelse)
        _require(known, f"{type(node).__name__} is not inlined")
        # Within a class such a name may stand for another one.
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        _require(not name.startswith("__"), f"{name} is special")


def _check_calls(body: list[ast.stmt], own: set[str], variables: frozenset[str], known: set[str]) -> None:
    """Refuses calls but of ``known`` builtins and methods of what came with the record: others may look at frames."""
    own = own | known
    values = [n.iter if isinstance(n, ast.For) else n.value for n in _nodes(body) if isinstance(n, _ASSIGNING)]
    if _loaded(values) <= own | variables:
        own |= variables
    for call in _nodes(body):
        if isinstance(call, ast.Call):
            method = isinstance(call.func, ast.Attribute) and _loaded([call.func.value]) <= own
            builtin = isinstance(call.func, ast.Name) and call.func.id in known
            _require(builtin or method, f"it calls {ast.unparse(call.func)}")
            # A ``key`` is called, too.
            _require(all(each.arg not in (None, "key") for each in call.keywords), "it passes a key, or any keywords")


def _check_assigned(body: Iterable[ast.stmt], known: set[Any], variables: frozenset[str]) -> set[Any]:
    """The variables with a value after ``body``. One that has none yet would have that of an earlier record."""
    for statement in body:
        reads = _loaded([statement])
        if isinstance(statement, ast.For):
            reads = _loaded([statement.iter, statement.target])
            _check_assigned(statement.body, known.union(_stored([statement.target])), variables)
        elif isinstance(statement, ast.If):
            reads = _loaded([statement.test])
        elif isinstance(statement, ast.AugAssign):
            reads.update(_stored([statement.target]))
        early = (reads & variables) - known
        _require(not early, f"{', '.join(early)} may have no value")
        if isinstance(statement, ast.If):
            branches = [_check_assigned(each, known, variables) for each in (statement.body, statement.orelse)]
            known = branches[0] & branches[1]
        elif not isinstance(statement, ast.For):
            known = known.union(_stored([statement]))
    return known


def _with_ends(body: Sequence[ast.stmt], at: ast.AST) -> list[ast.stmt]:
    """The statements at the end of a function, with a return at each of its ends and at no other place."""
    for index, statement in enumerate(body):
        if isinstance(statement, ast.Return):
            return list(body[: index + 1])
        if any(isinstance(node, ast.Return) for node in ast.walk(statement)):
            rest = body[index + 1 :]
            ends = isinstance(statement, ast.If) and (not rest or isinstance(statement.body[-1], ast.Return))
            _require(ends, "it returns in the middle")
            assert isinstance(statement, ast.If)
            statement.body = _with_ends(statement.body, statement)
            statement.orelse = _with_ends([*statement.orelse, *rest], statement)
            return [*body[:index], statement]
    return [*body, _at(body[-1] if body else at, ast.Return())]


def _at(node: ast.AST, made: Any) -> Any:
    return ast.fix_missing_locations(ast.copy_location(made, node))


# --- what is put in --------------------------------------------------------------------------------------------------


def inline(code: Code) -> None:
    """Inlines functions in all that ``code`` was compiled to, from the next call on.

    Does nothing where somebody watches which functions are called: a debugger, a profiler, what measures coverage.
    """
    tools = getattr(sys, "monitoring", None)
    monitored = tools is not None and any(tools.get_tool(number) is not None for number in range(6))
    if not monitored and sys.gettrace() is None and sys.getprofile() is None:
        with catch_warnings():
            # Those of the source have been given before.
            simplefilter("ignore")
            _Inliner(code).run()


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
            logs.debug("calls %s: %s", getattr(called, "__qualname__", called), reason)
            return [statement]
        if isinstance(statement, ast.If):
            # Whether the result is true is asked here, not in the function.
            target = self.code.fresh("passes")
            statement.test = _at(call, ast.Name(target, ast.Load()))
        elif isinstance(statement, ast.Assign):
            target = next(_stored(statement.targets))
        body = _Copy(self, definition, call, names[1:], target).body
        return [*body, statement] if isinstance(statement, ast.If) else body

    def take_lines(self, definition: Definition, caller: int) -> None:
        """Numbers the lines of a function that line ``caller`` calls."""
        nodes = [node for node in _nodes(definition.body) if isinstance(node, ast.stmt | ast.expr)]
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
        for node in _nodes(body):
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
        names = [node.id for node in _nodes(definition.body) if isinstance(node, ast.Name)]
        self._once = {name: given[name] for name in given.keys() - made if names.count(name) == 1}
        # A parameter that is assigned needs a variable of its own.
        self.body: list[ast.stmt] = [
            _at(call, ast.Assign([ast.Name(made[name], ast.Store())], ast.Name(given[name], ast.Load())))
            for name in given.keys() & made
        ]
        for statement in definition.body:
            done = self.visit(statement)
            self.body += done if isinstance(done, list) else [done]

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        value = _at(node, ast.Constant(None)) if node.value is None else self.visit(node.value)
        target = self._target
        return _at(node, ast.Expr(value) if target is None else ast.Assign([ast.Name(target, ast.Store())], value))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        function, bind = self._function, self._inliner.code.bind
        if node.id in self._names:
            node.id = self._names[node.id]
        elif node.id in function.__code__.co_freevars:
            cell = ast.Name(bind(node.id, _cell(function, node.id)), ast.Load())
            return _at(node, ast.Attribute(cell, "cell_contents", ast.Load()))
        elif node.id in function.__globals__:
            # It may have another value by the next record.
            names = ast.Name(bind("globals", function.__globals__), ast.Load())
            return _at(node, ast.Subscript(names, ast.Constant(node.id), ast.Load()))
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        """``collector.collect(value)`` becomes what is done with the value, where nothing else has the collector."""
        match node.value:
            case ast.Call(ast.Attribute(ast.Name(name), "collect"), [value], []) if name in self._once:
                if collected := self._inliner.collected(self._once[name], node.value):
                    record, body = collected
                    return [_at(node, ast.Assign([ast.Name(record, ast.Store())], self.visit(value))), *body]
        return self.generic_visit(node)
