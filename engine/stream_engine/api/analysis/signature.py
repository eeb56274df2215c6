"""How many positional arguments a callable takes, and whether it returns anything, read from its code object."""

from __future__ import annotations

from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

_VARARGS, _GENERATOR = 0x04, 0x20
_COROUTINES = 0x80 | 0x200


class Signature(NamedTuple):
    """The positional parameters of a callable, without ``self``.

    The last ``optional`` of ``names`` have defaults; ``variadic`` when any number of further arguments is taken;
    ``keywords`` are the keyword-only parameters that must be given.
    """

    names: tuple[str, ...]
    optional: int
    variadic: bool
    keywords: tuple[str, ...]

    def takes(self, count: int) -> bool:
        """Whether a call with ``count`` positional arguments and nothing else is possible."""
        least = len(self.names) - self.optional
        return not self.keywords and least <= count and (self.variadic or count <= len(self.names))

    def __str__(self) -> str:
        return ", ".join((*self.names, *(("*",) if self.variadic else ()), *(f"{name}=" for name in self.keywords)))


def signature_of(function: Any) -> Signature | None:
    """None for callables that are not written in Python: builtins, classes, partial objects."""
    bound = _called(function)
    function = bound.__func__ if isinstance(bound, MethodType) else bound
    if not isinstance(function, FunctionType):
        return None
    code = function.__code__
    variadic = bool(code.co_flags & _VARARGS)
    names = code.co_varnames[function is not bound : code.co_argcount]
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return Signature(
        names,
        min(len(function.__defaults__ or ()), len(names)),
        variadic,
        tuple(name for name in keywords if name not in (function.__kwdefaults__ or {})),
    )


def suspends(function: Any) -> str:
    """The word that makes a call of ``function`` run nothing yet, ``yield`` or ``async``; empty for any other."""
    code = code_of(function)
    if code is None or not code.co_flags & (_GENERATOR | _COROUTINES):
        return ""
    return "async" if code.co_flags & _COROUTINES else "yield"


def returns_nothing(function: Any) -> bool:
    """Whether a call can only return None, as that of a method whose ``return`` was forgotten."""
    from dis import get_instructions

    code = code_of(function)
    # A lambda is its value: one that says None means it.
    if code is None or code.co_name == "<lambda>" or suspends(function):
        return False
    returned: list[Any] = []
    previous = None
    for instruction in get_instructions(code):
        if instruction.opname == "RETURN_CONST":
            returned.append(instruction.argval)
        elif instruction.opname == "RETURN_VALUE":
            # A return that is jumped to has its value elsewhere.
            if instruction.is_jump_target or previous is None or previous.opname != "LOAD_CONST":
                return False
            returned.append(previous.argval)
        previous = instruction
    return bool(returned) and all(value is None for value in returned)


def _called(function: Any) -> Any:
    """The method behind an object that is called itself."""
    return function if isinstance(function, FunctionType | MethodType | type) else function.__call__


def code_of(function: Any) -> CodeType | None:
    """The code that a call of ``function`` runs; None for what is not written in Python."""
    called = _called(function)
    plain = called.__func__ if isinstance(called, MethodType) else called
    return plain.__code__ if isinstance(plain, FunctionType) else None
