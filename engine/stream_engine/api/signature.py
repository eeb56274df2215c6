"""How many positional arguments a callable takes, read from its code object."""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any, NamedTuple

_VARARGS = 0x04


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
    if not isinstance(function, FunctionType | MethodType | type):
        function = function.__call__
    bound = 0
    if isinstance(function, MethodType):
        function, bound = function.__func__, 1
    if not isinstance(function, FunctionType):
        return None
    code = function.__code__
    variadic = bool(code.co_flags & _VARARGS)
    names = code.co_varnames[bound : code.co_argcount]
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return Signature(
        names,
        min(len(function.__defaults__ or ()), len(names)),
        variadic,
        tuple(name for name in keywords if name not in (function.__kwdefaults__ or {})),
    )
