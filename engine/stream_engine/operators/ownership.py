"""By-value records: a private copy of a mutable record wherever the engine keeps it past the call.

``own(record)`` copies what can change and returns what cannot. The generated code first looks, inline,
whether the record is of the shape that its place has learnt: most are numbers, strings, or short tuples of them.
"""

from __future__ import annotations

import copy
import pickle
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from stream_engine.report import shortened

if TYPE_CHECKING:
    from stream_engine.operators.code import Code

# Types whose values never change and hold nothing that does. Exact types only: a subclass of int may have fields.
# It grows as own() meets further ones (Enum members, numpy scalars).
atoms: set[type] = {
    int, str, float, bool, bytes, complex, type(None), type(...), range, type, date, datetime, time, timedelta,
}  # fmt: skip

# Those that marshal gives back as they were; it would take a bytearray for bytes, so nothing else may be near it.
_PLAIN: set[type] = {int, str, float, bool, bytes, complex, type(None)}

# How often a place may be told anew what its records are like; where they keep changing, that costs more than it saves.
_LESSONS = 100


def own(record: Any) -> Any:
    """``record`` itself when it is immutable through and through, else a copy that shares nothing mutable with it."""
    kind = type(record)
    if kind in atoms:
        return record
    if kind is tuple or kind is frozenset:
        if atoms.issuperset(map(type, record)) or all(own(item) is item for item in record):
            return record
    elif kind is list or kind is set:
        if atoms.issuperset(map(type, record)):
            return record.copy()
    elif kind is dict:
        if atoms.issuperset(map(type, record.values())) and atoms.issuperset(map(type, record)):
            return record.copy()
    elif isinstance(record, tuple):
        if not hasattr(record, "__dict__") and all(own(item) is item for item in record):
            return record
    elif _is_immutable(kind):
        atoms.add(kind)
        return record
    return _copied(record)


def _is_immutable(kind: type) -> bool:
    # Looked up by name: numpy and enum are there when a record of theirs is, and are not imported for asking.
    names = {f"{base.__module__}.{base.__name__}" for base in kind.__mro__}
    return bool(names & {"enum.Enum", "numpy.generic", "decimal.Decimal", "fractions.Fraction", "uuid.UUID"})


def _copied(record: Any) -> Any:
    try:
        return pickle.loads(pickle.dumps(record, pickle.HIGHEST_PROTOCOL))
    except (pickle.PicklingError, AttributeError, TypeError):
        # Instances of local classes: pickle finds no name for their class, deepcopy needs none.
        try:
            return copy.deepcopy(record)
        except Exception as error:
            raise TypeError(
                f"a record must be copied here, which it does not allow ({error}): {shortened(record)}"
            ) from error


class Plainness:
    """``kept`` while all records that pass certain places are numbers, strings, bytes, None, or tuples of those."""

    __slots__ = ("kept",)

    def __init__(self, kept: bool) -> None:
        self.kept = kept


class Shape:
    """What one place in generated code has learnt of the records that pass it, so that most need a glance only.

    A record of the class ``single``, or a pair or triple of the classes in ``items``, is known to be immutable. The
    generated code looks these up by name in its namespace, and this object puts there what the last record was like.
    It also watches over ``plainness``, if that is given, until it ends.
    """

    def __init__(self, code: Code, plainness: Plainness | None = None) -> None:
        self._plainness = plainness if plainness is not None and plainness.kept else None
        self._namespace = code.namespace
        self._lessons = _LESSONS
        self.known = code.bind("known", atoms if self._plainness is None else _PLAIN)
        self.single = code.bind("single", NoClass)
        self.pair = code.bind("pair", NoClass)
        self.triple = code.bind("triple", NoClass)
        self.items = [code.bind("item", NoClass) for _ in range(3)]
        self.other = code.bind("own", self._own)

    def _own(self, record: Any) -> Any:
        """The record or its copy, for one that is not as the last ones were."""
        kind = type(record)
        kinds = list(map(type, record)) if kind is tuple and 2 <= len(record) <= 3 else [kind]
        if self._plainness is not None and not _PLAIN.issuperset(map(type, record) if kind is tuple else kinds):
            self._plainness.kept = False
            self._plainness, self._namespace[self.known] = None, atoms
        if self._lessons and atoms.issuperset(kinds):
            self._lessons -= 1
            self._learn(kind, kinds)
        return own(record)

    def _learn(self, kind: type, kinds: list[type]) -> None:
        namespace = self._namespace
        if kind is not tuple:
            namespace[self.single] = kind
            return
        namespace[self.pair], namespace[self.triple] = (tuple, NoClass) if len(kinds) == 2 else (NoClass, tuple)
        namespace.update(zip(self.items, kinds, strict=False))


class NoClass:
    """The class of nothing."""


def write_owned(code: Code, record: str, plainness: Plainness | None = None) -> str:
    """Writes the lines that make a private copy of the variable ``record`` where one is needed; names the result."""
    shape = Shape(code, plainness)
    owned, kind = code.fresh("o"), code.fresh("kind")
    code.line(f"{owned} = {record}")
    code.line(f"{kind} = {record}.__class__")
    with code.block(f"if {kind} is not {shape.single}:"):
        for word, tuples, items in (("if", shape.pair, shape.items[:2]), ("elif", shape.triple, shape.items)):
            with code.block(f"{word} {kind} is {tuples}:"):
                values = [code.fresh("a") for _ in items]
                # Unpacking is faster than asking for the length, and the length is nearly always the learnt one.
                with code.block("try:"):
                    code.line(f"{', '.join(values)} = {record}")
                with code.block("except ValueError:"):
                    code.line(f"{owned} = {shape.other}({record})")
                with code.block("else:"):
                    unknown = [
                        f"{value}.__class__ is not {item} and {value}.__class__ not in {shape.known}"
                        for value, item in zip(values, items, strict=True)
                    ]
                    with code.block(f"if {' or '.join(unknown)}:"):
                        code.line(f"{owned} = {shape.other}({record})")
        with code.block(f"elif {kind} not in {shape.known}:"):
            code.line(f"{owned} = {shape.other}({record})")
    return owned
