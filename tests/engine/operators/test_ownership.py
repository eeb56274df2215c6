"""Which records are copied."""

from __future__ import annotations

import decimal
import enum
import fractions
import marshal
import uuid
from collections import deque, namedtuple
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_engine.operators.code import Code
from stream_engine.operators.ownership import NoClass, Plainness, own, write_owned

if TYPE_CHECKING:
    from collections.abc import Callable


class Color(enum.Enum):
    RED = 1


Point = namedtuple("Point", "x y")


class Row:
    def __init__(self, values: list[int]) -> None:
        self.values = values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and self.values == other.values

    __hash__ = None  # pyright: ignore[reportAssignmentType]


@dataclass
class Mutable:
    items: list[int]


class Tagged(int):
    """May have further attributes."""

    tag: list[int]


@pytest.mark.parametrize(
    "record",
    [
        1, 1.5, "s", b"b", None, True, 1j, ..., (), ("a", 1), ("a", ("b", (None,))), frozenset("ab"), range(3), int,
        Color.RED, Point(1, "y"), date.today(), datetime.now(), timedelta(1), uuid.uuid4(),
        decimal.Decimal(1), fractions.Fraction(1, 2), numpy.float64(1), numpy.int32(1),
    ],
)  # fmt: skip
def test_what_cannot_change_is_not_copied(record: Any) -> None:
    assert own(record) is record
    assert own((record, record))[0] is record


@pytest.mark.parametrize(
    "record",
    [
        [], [1, 2], [[1], [2]], {"a": 1}, {"a": [1]}, {1, 2}, bytearray(b"ab"), ("a", [1]), ("a", ("b", {"c": [1]})),
        Point([1], 2), Row([1]), Mutable([1]), deque([1, [2]]), frozenset({("a", 1)}) and [frozenset({1})],
        (Row([1]),), {"k": {"k": {"k": []}}},
    ],
)  # fmt: skip
def test_what_can_change_is_copied_to_its_innermost(record: Any) -> None:
    copy = own(record)
    assert copy == record
    assert type(copy) is type(record)
    assert not shared(copy, record)


def test_arrays_are_copied() -> None:
    array = numpy.arange(3)
    copy = own((array,))
    array[0] = 7
    assert copy[0].tolist() == [0, 1, 2]


def test_instances_of_local_classes_are_copied() -> None:
    class Local:
        def __init__(self) -> None:
            self.values = [1]

    local = Local()
    copy = own(local)
    local.values.append(2)
    assert copy.values == [1]
    assert type(copy) is Local


def test_an_int_with_attributes_is_copied() -> None:
    number = Tagged(3)
    number.tag = [1]
    copy = own(number)
    number.tag.append(2)
    assert (copy, copy.tag) == (3, [1])


atoms = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False) | st.binary()
records = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(), inner)
        | st.lists(inner).map(deque)
        | st.binary().map(bytearray)
        | st.sets(atoms)
    ),
    max_leaves=20,
)


@given(records)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(record: Any) -> None:
    copy = own(record)
    assert copy == record
    assert not shared(copy, record)


@pytest.mark.parametrize("record", [1, (1, "a"), (None, 2.5, b"")], ids=["atom", "pair", "triple"])
def test_a_place_compares_with_the_classes_of_its_first_record(record: Any) -> None:
    code = Code("place")
    owned = place(code=code)
    owned(record)
    learnt = (value for name, value in code.namespace.items() if name.startswith(("likely", "tuple")))
    likely = [value for value in learnt if value not in (NoClass, tuple)]
    assert likely == [type(field) for field in (record if isinstance(record, tuple) else (record,))]


def test_tuples_of_other_lengths_are_copied_where_pairs_are_likely() -> None:
    owned, changing = place(), [1]
    assert owned((1, "a")) == (1, "a")
    for record in ((1, changing, 2), (changing,), (1, changing), (1, 2, 3, changing)):
        copy = owned(record)
        assert copy == record
        assert not shared(copy, record)


def place(plainness: Plainness | None = None, code: Code | None = None) -> Callable[[Any], Any]:
    """One place in generated code, as a function."""
    code = code or Code("place")
    with code.function("place", "record"), code.operator(0, "record"):
        code.line(f"return {write_owned(code, 'record', plainness)}")
    return code.compile()["place"]


few = st.sampled_from(
    [1, "a", b"b", 2.5, None, Color.RED, (1, "a"), (1, 2), ("a", 1), (1, [2]), [1], ("a", bytearray())]
)


@given(st.lists(few | records))
def test_a_place_copies_whatever_has_passed_it_before(passing: list[Any]) -> None:
    owned = place()
    for record in passing:
        copy = owned(record)
        assert copy == record
        assert not shared(copy, record)


@given(st.lists(few | atoms | st.tuples(atoms, atoms) | st.lists(atoms).map(tuple) | records))
def test_records_are_plain_until_one_is_not(passing: list[Any]) -> None:
    plainness = Plainness(True)
    owned = place(plainness)
    for number, record in enumerate(passing, 1):
        assert owned(record) == record
        parts = [part for each in passing[:number] for part in (each if type(each) is tuple else (each,))]
        assert plainness.kept == all(type(part) in (int, str, bytes, float, bool, type(None)) for part in parts)
    if plainness.kept:
        assert repr(marshal.loads(marshal.dumps(passing))) == repr(passing)


def shared(a: Any, b: Any) -> bool:
    """Whether the two have a mutable object in common."""
    return bool({id(part) for part in mutable_parts(a)} & {id(part) for part in mutable_parts(b)})


def mutable_parts(value: Any) -> list[Any]:
    parts: list[Any] = []
    if isinstance(value, list | dict | set | bytearray | deque | Row | Mutable):
        parts.append(value)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, Row | Mutable):
        value = list(vars(value).values())
    if isinstance(value, list | tuple | deque | set | frozenset):
        for item in value:
            parts.extend(mutable_parts(item))
    return parts
