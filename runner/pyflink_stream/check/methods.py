"""Methods and attributes that objects of Python 2 had: of dicts, iterators, strings, functions and exceptions."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from pyflink_stream.check.renamed import CODECS, DICT_METHODS, FUNCTION_ATTRIBUTES
from pyflink_stream.check.script import Habit, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflink_stream.check.walk import Visit

# Methods of bytes that take bytes to look for.
_SEARCHING = frozenset(
    [
        *("split", "rsplit", "partition", "rpartition", "strip", "lstrip", "rstrip"),
        *("startswith", "endswith", "find", "rfind", "index", "count", "replace"),
    ]
)


def find_methods(visit: Visit, script: Script) -> Iterator[Habit]:
    """Finds attributes that the objects of the script no longer have."""
    node = visit.node
    if isinstance(node, ast.ExceptHandler):
        yield from _exception_contents(node, script)
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return
    if visit.guarded("attribute") or f".{node.attr}" in visit.guards or visit.scope.module_of(node.value):
        return
    if node.attr in script.own_attributes:
        return
    call = visit.parent if isinstance(visit.parent, ast.Call) and visit.parent.func is node else None
    yield from _of_dict(node, call)
    yield from _of_function(node, visit, script)
    if call:
        yield from _of_iterator(node, call, visit, script)
        yield from _of_uuid(node, call, visit, script)
        yield from _of_string(node, call, visit, script)
        yield from _of_bytes(node, call, visit, script)
        yield from _of_socket(node, call, visit, script)


def _of_dict(node: ast.Attribute, call: ast.Call | None) -> Iterator[Habit]:
    if node.attr == "has_key" and (call is None or len(call.args) == 1):
        suggestion = "key in d"
        if call:
            suggestion = _short(f"{ast.unparse(call.args[0])} in {ast.unparse(node.value)}", suggestion)
        yield Habit(node, "has-key", "dicts have no has_key", suggestion)
    elif node.attr in DICT_METHODS and (call is None or not call.args):
        suggestion = _short(f"{ast.unparse(node.value)}.{DICT_METHODS[node.attr]}()", f"{DICT_METHODS[node.attr]}()")
        yield Habit(node, "dict-method", f"dicts have no {node.attr}", suggestion)


def _of_function(node: ast.Attribute, visit: Visit, script: Script) -> Iterator[Habit]:
    if node.attr not in FUNCTION_ATTRIBUTES or script.is_python_3:
        return
    owner = node.value
    # Objects of libraries may have a func_name of their own: a name that is never called is no function.
    if isinstance(owner, ast.Name):
        is_function = owner.id in script.functions or not visit.scope.lookup(owner.id)
    else:
        is_function = isinstance(owner, ast.Attribute) and owner.attr in script.functions
    if is_function or node.attr.startswith("im_"):
        yield Habit(node, "function-attribute", f"{node.attr} is gone", FUNCTION_ATTRIBUTES[node.attr])


def _of_iterator(node: ast.Attribute, call: ast.Call, visit: Visit, script: Script) -> Iterator[Habit]:
    if node.attr != "next" or call.args or call.keywords:
        return
    is_iterator = script.kind(node.value, visit) in {"generator", "iterator", "file", "binary file"}
    # What has hasNext is an iterator in Java's manner, and keeps its next.
    in_java_manner = _mentions_has_next(script)
    if is_iterator or not (script.is_python_3 or in_java_manner):
        suggestion = _short(f"next({ast.unparse(node.value)})", "next(iterator)")
        yield Habit(node, "iterator-next", "iterators have __next__ in Python 3, and no next", suggestion)


def _mentions_has_next(script: Script) -> bool:
    return any(isinstance(v.node, ast.Attribute) and v.node.attr in {"hasNext", "has_next"} for v in script.visits)


def _of_uuid(node: ast.Attribute, call: ast.Call, visit: Visit, script: Script) -> Iterator[Habit]:
    if node.attr not in {"get_hex", "get_urn"} or call.args:
        return
    is_uuid = script.kind(node.value, visit) == "uuid"
    if is_uuid or ("uuid" in script.imported and not script.is_python_3):
        plain = node.attr.removeprefix("get_")
        suggestion = _short(f"{ast.unparse(node.value)}.{plain}", f".{plain}")
        yield Habit(node, "uuid-method", f"UUIDs have no {node.attr}", suggestion)


def _of_string(node: ast.Attribute, call: ast.Call, visit: Visit, script: Script) -> Iterator[Habit]:
    if node.attr not in {"encode", "decode"}:
        return
    codec = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    name = codec.lower().replace("_", "").replace("-", "").removesuffix("codec") if isinstance(codec, str) else ""
    if name in CODECS:
        problem = f"{node.attr} knows no {codec!r} in Python 3: it turns text into bytes or back, nothing else"
        yield Habit(node, "text-codec", problem, CODECS[name][node.attr == "decode"])
    elif node.attr == "decode":
        is_type = isinstance(node.value, ast.Name) and node.value.id == "str" and not visit.scope.lookup("str")
        if is_type or script.kind(node.value, visit) == "str":
            suggestion = "leave decode out; read or receive bytes where bytes are meant (b'...')"
            yield Habit(node, "str-decode", "a str is text already and has no decode", suggestion)


def _of_bytes(node: ast.Attribute, call: ast.Call, visit: Visit, script: Script) -> Iterator[Habit]:
    """Bytes, such as those that a socket receives, that are searched or split with text."""
    if node.attr not in _SEARCHING or not call.args or script.kind(node.value, visit) != "bytes":
        return
    if any(script.kind(argument, visit) == "str" for argument in call.args[:2]):
        suggestion = _short(f"{ast.unparse(node.value)}.decode().{node.attr}(...)", f".decode().{node.attr}(...)")
        yield Habit(node, "bytes-text", f"bytes.{node.attr} takes bytes in Python 3, not text", suggestion)


def _of_socket(node: ast.Attribute, call: ast.Call, visit: Visit, script: Script) -> Iterator[Habit]:
    if node.attr not in {"send", "sendall", "sendto"} or not call.args or script.kind(call.args[0], visit) != "str":
        return
    kind = script.kind(node.value, visit)
    if kind == "socket" or (not kind and "socket" in script.imported and not script.is_python_3):
        suggestion = _short(f"{ast.unparse(call.args[0])}.encode()", "text.encode()")
        if isinstance(call.args[0], ast.BinOp):
            suggestion = _short(f"({ast.unparse(call.args[0])}).encode()", "text.encode()")
        yield Habit(node, "socket-text", "a socket sends bytes in Python 3, not text", suggestion)


def _exception_contents(handler: ast.ExceptHandler, script: Script) -> Iterator[Habit]:
    """``e.message`` and ``e[0]`` of built-in exceptions, which have neither."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = [node.id for node in caught if isinstance(node, ast.Name)]
    if not handler.name or len(names) != len(caught) or not all(hasattr(builtins, name) for name in names):
        return
    inside = [node for statement in handler.body for node in ast.walk(statement)]
    asks = any(isinstance(n, ast.Call) and ast.unparse(n.func) in {"hasattr", "getattr", "isinstance"} for n in inside)
    # An exception that is caught as Exception may be of a class with a message of its own.
    if asks or (script.is_python_3 and {"Exception", "BaseException"} & set(names)):
        return
    for node in inside:
        if not isinstance(node, (ast.Attribute, ast.Subscript)) or not isinstance(node.ctx, ast.Load):
            continue
        if not isinstance(node.value, ast.Name) or node.value.id != handler.name:
            continue
        if isinstance(node, ast.Subscript):
            suggestion = f"{handler.name}.args[{ast.unparse(node.slice)}]"
            yield Habit(node, "exception-index", "exceptions cannot be indexed", suggestion)
        elif node.attr == "message":
            yield Habit(node, "exception-message", "exceptions have no message", f"str({handler.name})")


def _short(exact: str, general: str) -> str:
    return exact if len(exact) <= 60 and "\n" not in exact else general
