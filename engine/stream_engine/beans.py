"""Java's properties as Jython has them: ``result.netRuntime`` for ``result.getNetRuntime()``."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T", bound=type)


class _Getter:
    """Calls a getter when the name is read. An object that sets an attribute of this name has its own from then on."""

    def __init__(self, method: str) -> None:
        self._method = method

    def __get__(self, target: Any, owner: type | None = None) -> Any:
        return self if target is None else getattr(target, self._method)()


class _Property(_Getter):
    """A getter with a setter, which an assignment calls."""

    def __init__(self, method: str, setter: str) -> None:
        super().__init__(method)
        self._setter = setter

    def __set__(self, target: Any, value: Any) -> None:
        getattr(target, self._setter)(value)


def with_properties(kind: T) -> T:
    """Decorates a class: each ``getX()`` without arguments, and each ``isX()``, can also be read as ``x``.

    Getters may be called ``get_x``. Names that the class already has stay as they are.
    """
    for base in kind.__mro__[-2::-1]:
        # Java's names first: a subclass of the user has those.
        for method, value in sorted(vars(base).items(), key=lambda item: "_" in item[0]):
            name = _property_of(method)
            function = value.__func__ if isinstance(value, staticmethod) else value
            if not name or hasattr(kind, name) or not _takes_nothing(function, isinstance(value, staticmethod)):
                continue
            setters = f"set{name[:1].upper()}{name[1:]}", f"set_{method.partition('_')[2]}"
            setter = next((each for each in setters if hasattr(kind, each)), None)
            setattr(kind, name, _Property(method, setter) if setter else _Getter(method))
    return kind


def _property_of(method: str) -> str:
    """The property of a getter, as java.beans.Introspector names it; empty for other methods."""
    for prefix in ("get_", "is_"):
        if method.startswith(prefix):
            first, *others = method.removeprefix(prefix).split("_")
            return first + "".join(word.capitalize() for word in others)
    for prefix in ("get", "is"):
        rest = method.removeprefix(prefix)
        if rest != method and rest[:1].isupper():
            return rest if rest[:2].isupper() and len(rest) > 1 else rest[0].lower() + rest[1:]
    return ""


def _takes_nothing(function: Any, static: bool) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and code.co_argcount == (0 if static else 1) and code.co_flags & 0x0C == 0
