"""Which functions can be put into the code that calls them without anybody seeing a difference, and in what form."""

from __future__ import annotations

import ast
import builtins
from copy import deepcopy
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.operators.inlining.definitions import definition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESULT = "return"
"""The variable with the result of a function that returns in several places; no function has one of that name."""

_STATEMENTS = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.Pass, ast.Break, ast.Continue)
_EXPRESSIONS = (
    ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Attribute, ast.Subscript,
    ast.Slice, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Call, ast.keyword, ast.JoinedStr, ast.FormattedValue,
    ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
# What does not look at the frame that calls it, nor makes one.
_CALLABLE = {
    "abs", "all", "any", "bool", "bytes", "chr", "complex", "dict", "divmod", "enumerate", "float", "format",
    "frozenset", "hash", "int", "isinstance", "len", "list", "max", "min", "ord", "pow", "range", "repr", "reversed",
    "round", "set", "sorted", "str", "sum", "tuple", "zip",
}  # fmt: skip
# Generators, coroutines, and functions that take any number of arguments.
_OTHER_KINDS = 0x04 | 0x08 | 0x20 | 0x80 | 0x200
# Nodes: what is longer gains little from being spared a call.
_LARGEST = 250


class NotInlined(Exception):
    """A function stays a function of its own."""


class Template(NamedTuple):
    """What a call of ``function`` does: the ``statements``, after which ``result`` is what it returns.

    ``owner`` is the object whose method it is, which the function calls ``own_name``, if it is one. ``variables`` are
    those that it assigns, which may be ``parameters``.
    """

    function: Any
    owner: Any
    own_name: str | None
    parameters: tuple[str, ...]
    variables: frozenset[str]
    statements: list[ast.stmt]
    result: ast.expr


def template_of(call: Any, arguments: int) -> Template:
    """The template of a method or function that is called with so many arguments. Raises NotInlined."""
    bound = type(call) is MethodType
    function = call.__func__ if bound else call
    if type(function) is not FunctionType:
        raise NotInlined
    code = function.__code__
    parameters = code.co_varnames[bound : code.co_argcount]
    if len(parameters) != arguments or code.co_kwonlyargcount or code.co_flags & _OTHER_KINDS or code.co_cellvars:
        raise NotInlined
    definition = definition_of(function)
    if definition is None or getattr(definition, "decorator_list", ()):
        raise NotInlined
    if isinstance(definition, ast.Lambda):
        body: list[ast.stmt] = [ast.copy_location(ast.Return(definition.body), definition.body)]
    else:
        body = [statement for statement in definition.body if not _is_constant(statement)]
    body = deepcopy(body)
    own_name = code.co_varnames[0] if bound else None
    variables = frozenset(_stored(body))
    _check_nodes(body, variables, own_name)
    known = {*parameters, own_name}
    free = {node.id for node in _nodes(body) if isinstance(node, ast.Name)} - variables - known
    _check_free(function, free)
    foreign = {name for name in free if name in code.co_freevars or name in function.__globals__} | (free - _CALLABLE)
    _check_calls(body, {*foreign, own_name})
    statements, result = _without_returns(body)
    _check_read(result, _check_assigned(statements, known, variables | {RESULT}), variables | {RESULT})
    assigned = variables | {RESULT} if isinstance(result, ast.Name) and result.id == RESULT else variables
    return Template(function, call.__self__ if bound else None, own_name, parameters, assigned, statements, result)


def _is_constant(statement: ast.stmt) -> bool:
    """As the text that documents a function, which does nothing."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _nodes(body: Iterable[ast.AST]) -> Iterable[ast.AST]:
    return (node for statement in body for node in ast.walk(statement))


def _stored(body: Iterable[ast.AST]) -> Iterable[str]:
    return (node.id for node in _nodes(body) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))


# --- what is refused -------------------------------------------------------------------------------------------------


def _check_nodes(body: list[ast.stmt], variables: frozenset[str], own_name: str | None) -> None:
    nodes = list(_nodes(body))
    if len(nodes) > _LARGEST or own_name in variables:
        raise NotInlined
    for node in nodes:
        if not isinstance(node, _STATEMENTS + _EXPRESSIONS) or (isinstance(node, ast.For) and node.orelse):
            raise NotInlined
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        # Within a class it stands for another name.
        if name.startswith("__"):
            raise NotInlined
        if isinstance(node, ast.Call) and any(keyword.arg is None for keyword in node.keywords):
            raise NotInlined


def _check_free(function: FunctionType, free: set[str]) -> None:
    for name in free:
        if name in function.__code__.co_freevars:
            cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
            try:
                _ = cell.cell_contents
            except ValueError:
                raise NotInlined from None
        elif name not in function.__globals__ and not hasattr(builtins, name):
            raise NotInlined


def _check_calls(body: list[ast.stmt], foreign: set[str | None]) -> None:
    """What a call may be of: a builtin, or a method of what came with the record, and not of anything ``foreign``.

    That may look at the frame of the function, as what logs does.
    """
    while True:
        # What is made of something foreign is foreign.
        more = {
            name
            for node in _nodes(body)
            for value, targets in [_assignment(node)]
            if value is not None and _mentions(value, foreign)
            for name in _stored(targets)
        }
        if more <= foreign:
            break
        foreign |= more
    for node in _nodes(body):
        if not isinstance(node, ast.Call):
            continue
        of = node.func.value if isinstance(node.func, ast.Attribute) else node.func
        builtin = of is not node.func or (isinstance(of, ast.Name) and of.id in _CALLABLE)
        if not builtin or _mentions(of, foreign):
            raise NotInlined


def _assignment(node: ast.AST) -> tuple[ast.expr | None, Sequence[ast.expr]]:
    if isinstance(node, ast.Assign):
        return node.value, node.targets
    if isinstance(node, ast.AugAssign):
        return node.value, [node.target]
    if isinstance(node, ast.For):
        return node.iter, [node.target]
    return None, ()


def _mentions(value: ast.expr, names: set[str | None]) -> bool:
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(value))


def _check_assigned(body: Iterable[ast.stmt], known: set[Any], variables: frozenset[str]) -> set[Any]:
    """The variables that have a value after ``body``. One that may have none yet could have that of an earlier call."""
    known = set(known)
    for statement in body:
        if isinstance(statement, ast.For):
            _check_read(statement.iter, known, variables)
            _check_assigned(statement.body, known | set(_stored([statement.target])), variables)
        elif isinstance(statement, ast.If):
            _check_read(statement.test, known, variables)
            after = _check_assigned(statement.body, known, variables)
            known = after & _check_assigned(statement.orelse, known, variables)
        else:
            augmented = [statement.target] if isinstance(statement, ast.AugAssign) else []
            _check_read(statement, known, variables)
            if not set(_stored(augmented)) <= known:
                raise NotInlined
            known |= set(_stored([statement]))
    return known


def _check_read(node: ast.AST, known: set[Any], variables: frozenset[str]) -> None:
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load) and each.id in variables - known:
            raise NotInlined


# --- returns ---------------------------------------------------------------------------------------------------------


def _without_returns(body: list[ast.stmt]) -> tuple[list[ast.stmt], ast.expr]:
    """The statements without their returns, and the result."""
    *first, last = body or [ast.Pass(lineno=1, col_offset=0)]
    if not any(isinstance(node, ast.Return) for node in _nodes(first)):
        if isinstance(last, ast.Return):
            return first, last.value or ast.copy_location(ast.Constant(None), last)
        if not any(isinstance(node, ast.Return) for node in ast.walk(last)):
            return body, ast.copy_location(ast.Constant(None), last)
    statements, ends = _tail(body)
    at = body[0]
    if not ends:
        statements.insert(0, _result_is(ast.copy_location(ast.Constant(None), at), at))
    return statements, ast.copy_location(ast.Name(RESULT, ast.Load()), at)


def _tail(body: list[ast.stmt]) -> tuple[list[ast.stmt], bool]:
    """Statements at the end of a function, with each return as an assignment; and whether all ways end in one."""
    done: list[ast.stmt] = []
    for index, statement in enumerate(body):
        if isinstance(statement, ast.Return):
            value = statement.value or ast.copy_location(ast.Constant(None), statement)
            return [*done, _result_is(value, statement)], True
        if not any(isinstance(node, ast.Return) for node in ast.walk(statement)):
            done.append(statement)
            continue
        if not isinstance(statement, ast.If):
            raise NotInlined
        rest = body[index + 1 :]
        then, then_ends = _tail(statement.body)
        other, other_ends = _tail(statement.orelse)
        if rest and not then_ends and not other_ends:
            raise NotInlined
        if rest and not (then_ends and other_ends):
            # What comes behind it is what the other branch goes on with.
            if then_ends:
                other, other_ends = _tail([*statement.orelse, *rest])
            else:
                then, then_ends = _tail([*statement.body, *rest])
        branch = ast.If(statement.test, then or [ast.copy_location(ast.Pass(), statement)], other)
        return [*done, ast.copy_location(branch, statement)], then_ends and other_ends
    return done, False


def _result_is(value: ast.expr, at: ast.AST) -> ast.stmt:
    return ast.copy_location(ast.Assign([ast.copy_location(ast.Name(RESULT, ast.Store()), value)], value), at)
