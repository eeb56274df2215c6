"""Records are by value: the engine makes a private copy of a mutable record wherever it keeps one past the call.

``own(record)`` copies what can change and returns what cannot. The generated code first looks, inline,
whether the record is a number, a string, or a short tuple of them, as most are.
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
# own() adds further ones when they come (Enum members, numpy scalars).
atoms: set[type] = {
    int, str, float, bool, bytes, complex, type(None), type(...), range, type, date, datetime, time, timedelta,
}  # fmt: skip

# The types that marshal restores exactly; it would turn a bytearray into bytes, so no other type may pass.
_PLAIN: set[type] = {int, str, float, bool, bytes, complex, type(None)}


def own(record: Any) -> Any:
    """``record`` itself if it is deeply immutable, otherwise a copy that shares nothing mutable with it."""
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
    # Looked up by name: if there is such a record, numpy or enum is loaded; nothing is imported for the question.
    names = {f"{base.__module__}.{base.__name__}" for base in kind.__mro__}
    return bool(names & {"enum.Enum", "numpy.generic", "decimal.Decimal", "fractions.Fraction", "uuid.UUID"})


def _copied(record: Any) -> Any:
    try:
        return pickle.loads(pickle.dumps(record, pickle.HIGHEST_PROTOCOL))
    except (pickle.PicklingError, AttributeError, TypeError):
        # Instances of local classes: pickle needs a name for their class, deepcopy does not.
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


def write_owned(code: Code, record: str, plainness: Plainness | None = None) -> str:
    """Writes the lines that make a private copy of the variable ``record`` if one is needed; returns the result's name.

    Atoms, and pairs and triples of them, need none, which the generated code sees inline. ``plainness``, if it is
    given, learns of the first record that is not plain.
    """
    if plainness is not None and plainness.kept:
        known = code.bind("known", _PLAIN)
        other = code.bind("own", _Watch(code, known, plainness))
    else:
        known, other = code.bind("known", atoms), code.bind("own", own)
    owned, kind = code.fresh("o"), code.fresh("kind")
    code.line(f"{owned} = {record}")
    code.line(f"{kind} = {record}.__class__")
    with code.block(f"if {kind} is tuple:"):
        for word, length in (("if", 2), ("elif", 3)):
            with code.block(f"{word} len({record}) == {length}:"):
                values = [code.fresh("a") for _ in range(length)]
                code.line(f"{', '.join(values)} = {record}")
                with code.block(f"if {' or '.join(f'{value}.__class__ not in {known}' for value in values)}:"):
                    code.line(f"{owned} = {other}({record})")
        with code.block("else:"):
            code.line(f"{owned} = {other}({record})")
    with code.block(f"elif {kind} not in {known}:"):
        code.line(f"{owned} = {other}({record})")
    return owned


class _Watch:
    """Copies records of types that the generated code does not know, and ends ``plainness`` if one is not plain.

    From then on the name ``known`` of the generated code stands for the types of all atoms.
    """

    def __init__(self, code: Code, known: str, plainness: Plainness) -> None:
        self._namespace = code.namespace
        self._known = known
        self._plainness = plainness

    def __call__(self, record: Any) -> Any:
        if self._plainness.kept:
            kinds = map(type, record) if type(record) is tuple else (type(record),)
            self._plainness.kept = _PLAIN.issuperset(kinds)
        if not self._plainness.kept:
            self._namespace[self._known] = atoms
        return own(record)
