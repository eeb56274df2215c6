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
    place, owned, kind = _Place(code, plainness), code.fresh("o"), f"{record}.__class__"
    code.line(f"{owned} = {record}")
    with code.block(f"if {kind} is {place.tuple_of(2)}:"):
        _write_fields(code, record, owned, place, 2)
    with code.block(f"elif {kind} is not {place.likely(None)}:"):
        with code.block(f"if {kind} is {place.tuple_of(3)}:"):
            _write_fields(code, record, owned, place, 3)
        with code.block(f"elif {kind} not in {place.known}:"):
            code.line(f"{owned} = {place.other}({record})")
    return owned


def _write_fields(code: Code, record: str, owned: str, place: _Place, length: int) -> None:
    """Writes the look at the fields of a tuple that most likely has this ``length``."""
    values = [code.fresh("a") for _ in range(length)]
    with code.block("try:"):
        code.line(f"{', '.join(values)} = {record}")
    with code.block("except ValueError:"):
        code.line(f"{values[0]} = {code.bind('mix', place.mix)}()")
    kinds = ((f"{value}.__class__", place.likely(length)) for value in values)
    unknown = (f"{kind} is not {likely} and {kind} not in {place.known}" for kind, likely in kinds)
    with code.block(f"if {' or '.join(unknown)}:"):
        code.line(f"{owned} = {place.other}({record})")


class NoClass:
    """The class of nothing: where generated code expects one, and has not seen any yet."""


class _Place:
    """A place in generated code where records are copied, and what the code knows there.

    To compare two classes takes a third of the time that looking for one among all those that are known takes, and to
    unpack a tuple takes less than to look at its length first. So the code expects records like the first one. It finds
    the class ``tuple`` under a name for the length of that, and under others the classes of the fields. ``other`` is
    called with a record of other classes, also with the first one.
    """

    def __init__(self, code: Code, plainness: Plainness | None) -> None:
        self._code = code
        self._plainness = plainness
        self._tuples: dict[int, str] = {}
        self._likely: dict[int | None, list[str]] = {}
        self.known, self.other = code.bind("known", ()), code.bind("own", self._meet)

    def tuple_of(self, length: int) -> str:
        """The name of the class ``tuple`` if tuples of this ``length`` are likely, and no others."""
        name = self._tuples[length] = self._code.bind("tuple", NoClass)
        return name

    def likely(self, length: int | None) -> str:
        """The name of the likely class of the next field of a tuple; None: of a record that is none."""
        name = self._code.bind("likely", NoClass)
        self._likely.setdefault(length, []).append(name)
        return name

    def mix(self) -> Any:
        """A tuple has another length: from now on none is likely. Returns a field of a class that is not known."""
        for name in self._tuples.values():
            self._code.namespace[name] = NoClass
        return self

    def _meet(self, record: Any) -> Any:
        """Copies a record, and learns from it. Ends ``plainness`` if it is not plain."""
        plainness, namespace = self._plainness, self._code.namespace
        length, fields = (len(record), record) if type(record) is tuple else (None, (record,))
        if plainness is not None and plainness.kept:
            plainness.kept = _PLAIN.issuperset(map(type, fields))
        watching = plainness is not None and plainness.kept
        known = _PLAIN if watching else atoms
        if not namespace[self.known]:
            if length in self._tuples:
                namespace[self._tuples[length]] = tuple
            for name, field in zip(self._likely.get(length, ()), fields, strict=False):
                namespace[name] = type(field) if type(field) in known else NoClass
        namespace[self.known] = known
        if not watching:
            namespace[self.other] = own
        return own(record)
