"""What the user's functions do, read from their source, where nobody can tell the code from a call of it.

The source of a function is taken if it compiles to the very code in use, and if nothing in it can look at its frame, or
at a variable without a value.
"""

from __future__ import annotations

import ast
import builtins
import linecache
from copy import deepcopy
from functools import lru_cache
from types import CellType, CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.report import GENERATED, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
# Builtins by which code binds or deletes names that its own text does not have.
_BINDERS = {"globals", "exec"}
# What source is compiled as to compare it, so that warnings of that are told from others.
_SOURCE = f"{GENERATED}source>"
_ASSIGNING = ast.Assign | ast.AugAssign | ast.For
_NESTED = 0x10
# Generators, coroutines, and functions that take any number of arguments.
_OTHER_KINDS = 0x04 | 0x08 | 0x20 | 0x80 | 0x200
# Those of ``from __future__ import``.
_FUTURE = 0x1FE0000
# Nodes of a function, and characters of a file: what is longer gains little, or keeps records waiting.
_LARGEST, _LONGEST = 250, 200_000


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
    node, file = _source(function)
    # Given of generated code it would be another one, and shown once more.
    _require(_warned(function).isdisjoint(range(node.lineno, (node.end_lineno or 0) + 1)), "it has given a warning")
    body = [ast.copy_location(ast.Return(node.body), node)] if isinstance(node, ast.Lambda) else node.body
    # Docstrings do nothing.
    body = [each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    body = deepcopy(body)
    owner = {code.co_varnames[0]: call.__self__} if bound else {}
    parameters, variables = code.co_varnames[bound : code.co_argcount], frozenset(stored(body))
    _require(not owner.keys() & variables, "it assigns self")
    known = {*parameters, *owner}
    for name in _loaded(body) - variables - known:
        if name in code.co_freevars:
            _require(cell_of(function, name) != CellType(), f"{name} has no value yet")
            _require(name not in file.deleted, f"{name} may be deleted")
        elif name in function.__globals__:
            _require(name not in file.deleted and not file.binders, f"{name} may be deleted")
        else:
            # If it were assigned later, that would come before the builtin.
            later = name in file.bound or file.binders
            _require(hasattr(builtins, name) and not later, f"{name} has no value yet")
            # In generated code another name may be that of a variable.
            _require(name in _CALLABLE or isinstance(getattr(builtins, name), type), f"{name} is special")
    others = {*known, *variables, *code.co_freevars, *function.__globals__}
    _check_nodes(body)
    _check_calls(body, set(parameters) - variables, variables, _CALLABLE - others)
    body = _with_ends(body, node)
    _check_assigned(body, known, variables)
    return Definition(function, owner, parameters, variables, body)


def _warned(function: FunctionType) -> set[int]:
    """The lines of the function's module that have given warnings."""
    registry = function.__globals__.get("__warningregistry__") or ()
    return {key[2] for key in registry if isinstance(key, tuple) and len(key) == 3}


class _File(NamedTuple):
    """A file's functions by name and line, the names that its code binds or deletes, and ``binders`` of any others."""

    functions: dict[tuple[str, int], list[ast.FunctionDef | ast.Lambda]]
    bound: set[str]
    deleted: set[str]
    binders: set[str]


def _source(function: FunctionType) -> tuple[ast.FunctionDef | ast.Lambda, _File]:
    """The definition that compiles to the function's code, to each column; and its file."""
    code = function.__code__
    # A module knows its source even where it is in an archive.
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    _require(len(text) <= _LONGEST, "its file is long")
    file = _parsed(text)
    for node in file.functions.get((code.co_name, code.co_firstlineno), ()):
        if any(each == code and _positions(each) == _positions(code) for each in _compiled(node, code)):
            return node, file
    raise NotInlined("its source is not at hand, or has changed")


@lru_cache(maxsize=2)
def _parsed(text: str) -> _File:
    try:
        tree = ast.parse(text, _SOURCE)
    except (SyntaxError, ValueError):
        raise NotInlined("its file has changed") from None
    file = _File({}, set(), set(), set())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            file.functions.setdefault((getattr(node, "name", "<lambda>"), node.lineno), []).append(node)
        elif isinstance(node, ast.Global):
            file.bound.update(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            file.deleted.add(node.name)
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                file.bound.add(node.id)
            elif node.id in _BINDERS:
                file.binders.add(node.id)
            if isinstance(node.ctx, ast.Del):
                file.deleted.add(node.id)
    return file


def _compiled(node: ast.FunctionDef | ast.Lambda, code: CodeType) -> list[CodeType]:
    """What a definition compiles to where that of ``code`` is: perhaps in a function with variables for it."""
    tree = ast.parse(f"def outer({', '.join(code.co_freevars)}): pass")
    place: Any = tree.body[0] if code.co_flags & _NESTED else tree
    place.body = [ast.copy_location(ast.Expr(node), node) if isinstance(node, ast.Lambda) else node]
    made = [compile(tree, _SOURCE, "exec", flags=code.co_flags & _FUTURE, dont_inherit=True)]
    for _ in range(2 if code.co_flags & _NESTED else 1):
        made = [inner for each in made for inner in each.co_consts if isinstance(inner, CodeType)]
    return made


def _positions(code: CodeType) -> list[tuple[int | None, ...]]:
    """Where in the source each instruction comes from: lines, and from Python 3.11 on columns."""
    return list(getattr(code, "co_positions", code.co_lines)())


def cell_of(function: FunctionType, name: str) -> CellType:
    return (function.__closure__ or ())[function.__code__.co_freevars.index(name)]


def nodes_of(parts: Iterable[ast.AST]) -> Iterator[Any]:
    return (node for part in parts for node in ast.walk(part))


def stored(parts: Iterable[ast.AST]) -> Iterator[str]:
    return (node.id for node in nodes_of(parts) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))


def _loaded(parts: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes_of(parts) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


# --- what is refused -------------------------------------------------------------------------------------------------


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise NotInlined(otherwise)


def _check_nodes(body: list[ast.stmt]) -> None:
    nodes = list(nodes_of(body))
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
    assigning = [node for node in nodes_of(body) if isinstance(node, _ASSIGNING)]
    if _loaded(n.iter if isinstance(n, ast.For) else n.value for n in assigning) <= own | variables:
        own |= variables
    else:
        # What is stored in a record need not have come with it.
        own -= _loaded(part for n in assigning for part in (n.targets if isinstance(n, ast.Assign) else [n.target]))
    for call in nodes_of(body):
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
            _check_assigned(statement.body, known.union(stored([statement.target])), variables)
        elif isinstance(statement, ast.If):
            reads = _loaded([statement.test])
        elif isinstance(statement, ast.AugAssign):
            reads.update(stored([statement.target]))
        early = (reads & variables) - known
        _require(not early, f"{', '.join(early)} may have no value")
        if isinstance(statement, ast.If):
            branches = [_check_assigned(each, known, variables) for each in (statement.body, statement.orelse)]
            known = branches[0] & branches[1]
        elif not isinstance(statement, ast.For):
            known = known.union(stored([statement]))
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
    return [*body, at_place(body[-1] if body else at, ast.Return())]


def at_place(node: ast.AST, made: Any) -> Any:
    return ast.fix_missing_locations(ast.copy_location(made, node))
