"""Python source under construction: the fused loop of a chain, and the map from its lines back to operators.

A chain is one generated function, so that between two user functions there is no frame of ours. When a user function
raises, the generated frame on the traceback tells everything that a wrapper would have: its line names the operator,
and its locals hold the record.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, repeat
from operator import length_hint
from sys import maxsize
from typing import TYPE_CHECKING, Any

from stream_engine.report import GENERATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

# How records are handed on one by one: a function that replaces the function that takes them, and the latter.
Way = tuple["Callable[[Callable[..., None]], None]", "Callable[..., None]"]

_sites: dict[str, list[Site]] = {}
_serial = count()

# CPython refuses more than 100 levels of indentation, and writing an operator takes frames within those of the operator
# before it; a chain that is deeper or longer than this continues in another function.
_MAX_DEPTH = 40
_MAX_OPERATORS = 40


@dataclass(frozen=True)
class Site:
    """What a generated line does: for which operator, in which ``role``, and with the record in which variable.

    ``value`` is the variable with the value that the record is reduced with, if it is.

    Roles: ``function`` (the user's own call), ``key`` (a key selector), ``hash`` (a key being hashed or looked up),
    ``time`` (its timestamp being looked at), ``engine`` (anything else).
    """

    operator: int
    role: str
    record: str | None
    value: str | None = None


@dataclass
class _Function:
    lines: list[str] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    depth: int = 0
    operators: int = 0


class Count:
    """Counts the records that pass somewhere; another thread may read it.

    Generated code counts by taking one of the ``steps``. That costs half as much as an addition, as it makes no number.
    """

    __slots__ = ("_added", "steps")

    def __init__(self) -> None:
        self.steps = repeat(None, maxsize)
        self._added = 0

    @property
    def records(self) -> int:
        return maxsize - length_hint(self.steps) + self._added

    def add(self, records: int) -> None:
        self._added += records


class Code:
    """Functions of one chain, written line by line, then compiled together with the objects they use."""

    def __init__(self, title: str) -> None:
        self.filename = f"{GENERATED}{next(_serial)}: {title}>"
        self.namespace: dict[str, Any] = {}
        self._names = count()
        self._finished: list[_Function] = []
        self._open: list[_Function] = []
        self._site = Site(-1, "engine", None)

    def bind(self, hint: str, value: Any) -> str:
        """Makes ``value`` available to the generated code; returns its name there."""
        name = self.fresh(hint)
        self.namespace[name] = value
        return name

    def fresh(self, hint: str) -> str:
        """A name that is not used in this code yet."""
        return f"{hint}_{next(self._names)}"

    def line(self, text: str, role: str = "engine", value: str | None = None) -> None:
        """Adds a line to the innermost open function or block; for ``role`` and ``value`` see Site."""
        function = self._open[-1]
        function.lines.append("    " * function.depth + text)
        function.sites.append(Site(self._site.operator, role, self._site.record, value))

    @contextmanager
    def block(self, header: str, role: str = "engine") -> Iterator[None]:
        """Lines added within belong to ``header``, which ends with a colon."""
        self.line(header, role)
        function = self._open[-1]
        function.depth += 1
        written = len(function.lines)
        yield
        if len(function.lines) == written:
            self.line("pass")
        function.depth -= 1

    @contextmanager
    def function(self, name: str, parameters: str) -> Iterator[None]:
        """Lines added within are the body of the function ``name``."""
        self._open.append(_Function())
        with self.block(f"def {name}({parameters}):"):
            yield
        self._finished.append(self._open.pop())

    @contextmanager
    def operator(self, operator: int, record: str | None) -> Iterator[None]:
        """Lines added within are done by ``operator``, for the record in the variable ``record``."""
        function = self._open[-1]
        function.operators += 1
        outer, self._site = self._site, Site(operator, "engine", record)
        yield
        self._site = outer
        function.operators -= 1

    @property
    def text(self) -> str:
        """The source of all functions; its line ``n`` has ``sites[n - 1]``."""
        return "\n".join(line for function in self._finished for line in function.lines)

    @property
    def sites(self) -> list[Site]:
        """The Sites of the compiled code: of its lines, then of those that functions have that are inlined."""
        return _sites[self.filename]

    @property
    def deep(self) -> bool:
        """Whether the code should continue in another function."""
        return self._open[-1].depth >= _MAX_DEPTH or self._open[-1].operators >= _MAX_OPERATORS

    def compile(self) -> dict[str, Any]:
        """The namespace, with the functions in it."""
        _sites[self.filename] = [site for function in self._finished for site in function.sites]
        exec(compile(self.text, self.filename, "exec"), self.namespace)
        return self.namespace


def is_generated(code: CodeType) -> bool:
    return code.co_filename.startswith(GENERATED)


def site_of(code: CodeType, line: int) -> Site:
    """The Site of a line of generated code."""
    return _sites[code.co_filename][line - 1]
