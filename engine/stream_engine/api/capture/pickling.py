"""Pickles what a script passes, and says which part of it cannot be pickled."""

from __future__ import annotations

import copyreg
import pickle
from functools import cache, partial
from io import BytesIO
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from stream_engine.graph.functions import located, with_attributes
from stream_engine.pickling import by_value_pickler

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROTOCOL = 5


def pickled(value: Any) -> bytes:
    """A pickle that a worker can load with the standard library alone.

    Module-level classes and functions travel by reference; lambdas, closures, local classes and all of ``__main__``
    travel by value. Raises whatever the pickling of ``value`` raises.
    """
    return _pickled(value, pickle.Pickler)


def pickled_function(function: Any) -> bytes:
    """The same of what is called for each record: where it is loaded, its attributes are fast to work with."""
    return _pickled(function, _FunctionPickler)


def _pickled(value: Any, pickler: type[pickle.Pickler]) -> bytes:
    try:
        payload = _dumped(value, pickler)
    except Exception:
        payload = None
    # In a worker, __main__ is another module.
    if payload is not None and b"__main__" not in payload:
        return payload
    return _dumped(value, _locating_pickler())


def _dumped(value: Any, pickler: type[pickle.Pickler]) -> bytes:
    buffer = BytesIO()
    pickler(buffer, _PROTOCOL).dump(value)
    return buffer.getvalue()


class _FunctionPickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        return _by_attributes(obj)


@cache
def _locating_pickler() -> Any:
    """A pickler that keeps the file names of code, as tracebacks need them to show the user's lines."""
    base = by_value_pickler()

    class LocatingPickler(base):
        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, CodeType):
                make, arguments, *_ = base.dispatch_table[CodeType](obj)
                return located, (obj.co_filename, make, *arguments)
            reduced = super().reducer_override(obj)
            return _by_attributes(obj) if reduced is NotImplemented else reduced

    return LocatingPickler


def _by_attributes(obj: Any) -> Any:
    """How to pickle an object whose attributes may be set one by one; NotImplemented: as any other."""
    kind = type(obj)
    plain = all(getattr(kind, name) is getattr(object, name) for name in ("__new__", "__reduce__", "__reduce_ex__"))
    if not plain or hasattr(kind, "__setstate__") or kind in copyreg.dispatch_table:
        return NotImplemented
    reduced = obj.__reduce_ex__(_PROTOCOL)
    attributes = reduced[2]
    if type(attributes) is not dict or any(type(name) is not str or _guards(kind, name) for name in attributes):
        return reduced
    return (*reduced, with_attributes)


def _guards(kind: type, name: str) -> bool:
    """Whether the class has something that is called when an attribute is set."""
    found = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
    return hasattr(type(found), "__set__")


def complaint(subject: str, value: Any, error: Exception) -> str:
    """Says which part of ``value``, called ``subject``, cannot be pickled, when pickling it raised ``error``."""
    name, part = culprit(value)
    kind = type(part)
    type_name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    what, which = (f"{subject} uses {name}", "which ") if name else (subject, "")
    return f"{what}, of type {type_name}, {which}cannot be sent to the workers ({error})."


def culprit(value: Any) -> tuple[str, Any]:
    """The innermost part of an unpicklable ``value`` that cannot be pickled, and how the user's code calls it.

    ``("self.lock", <lock>)`` for an object's attribute, ``("lock", <lock>)`` for a variable that a function uses;
    the name is empty when ``value`` itself is the culprit.
    """
    is_function = isinstance(value, FunctionType | MethodType | partial | type)
    name, part = _innermost("" if is_function else "self", value, set())
    return ("" if part is value else name), part


def _innermost(name: str, value: Any, seen: set[int]) -> tuple[str, Any]:
    seen.add(id(value))
    for child_name, child in _parts(name, value):
        if id(child) not in seen and not _can_be_pickled(child):
            return _innermost(child_name, child, seen)
    return name, value


def _can_be_pickled(value: Any) -> bool:
    try:
        pickled(value)
    except Exception:
        return False
    return True


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is pickled along with ``value``, with the expression for it in the user's code."""
    if isinstance(value, FunctionType):
        yield from _variables(value)
    elif isinstance(value, MethodType):
        yield "self", value.__self__
    elif isinstance(value, partial):
        yield name, value.func
        yield from ((f"argument {index + 1}", item) for index, item in enumerate(value.args))
        yield from value.keywords.items()
    elif isinstance(value, type):
        yield from ((f"{value.__name__}.{key}", item) for key, item in vars(value).items() if _is_content(key, item))
    elif isinstance(value, dict):
        yield from ((f"{name}[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"{name}[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from ((f"an element of {name}", item) for item in value)
    elif type(value).__reduce__ is object.__reduce__:
        yield from ((f"{name}.{key}", item) for key, item in getattr(value, "__dict__", {}).items())
        yield name, type(value)


def _variables(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # The variable is not assigned yet.
            continue
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    yield from (("a default value", default) for default in function.__defaults__ or ())
    yield from (function.__kwdefaults__ or {}).items()


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_content(name: str, value: Any) -> bool:
    return isinstance(value, FunctionType) or not (name.startswith("__") and name.endswith("__"))
