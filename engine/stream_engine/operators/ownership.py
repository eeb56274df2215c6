"""By-value records: a private copy of a mutable record wherever the engine keeps it past the call.

``own(record)`` copies what can change and returns what cannot. The generated code asks ``atoms`` first, inline,
because most records are numbers, strings, or short tuples of them.
"""

from __future__ import annotations

import copy
import pickle
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream_engine.operators.code import Code

# Types whose values never change and hold nothing that does. Exact types only: a subclass of int may have fields.
# It grows as own() meets further ones (Enum members, numpy scalars).
atoms: set[type] = {
    int, str, float, bool, bytes, complex, type(None), type(...), range, type, date, datetime, time, timedelta,
}  # fmt: skip


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
            raise TypeError(f"a record must be copied here, which it does not allow ({error}): {record!r}") from error


def write_owned(code: Code, record: str) -> str:
    """Writes the lines that make a private copy of the variable ``record`` where one is needed; names the result."""
    owned, first, second = code.fresh("o"), code.fresh("a"), code.fresh("b")
    known, copied = code.bind("atoms", atoms), code.bind("own", own)
    code.line(f"{owned} = {record}")
    with code.block(f"if {record}.__class__ is tuple and len({record}) == 2:"):
        code.line(f"{first}, {second} = {record}")
        with code.block(f"if {first}.__class__ not in {known} or {second}.__class__ not in {known}:"):
            code.line(f"{owned} = {copied}({record})")
    with code.block(f"elif {record}.__class__ not in {known}:"):
        code.line(f"{owned} = {copied}({record})")
    return owned
