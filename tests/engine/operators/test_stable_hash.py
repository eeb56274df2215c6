"""Keys have the same hash in all processes, and equal keys have equal hashes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_engine.operators.keys import InvalidKeyError
from stream_engine.operators.stable_hash import StableTargets, stable_hash


class Colour(Enum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class Text(str):
    pass


class Folded(str):
    """Equal whatever the case."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folded) and self.lower() == other.lower()

    def __hash__(self) -> int:
        return len(self)


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass(frozen=True)
class Place:
    name: str
    code: int | None = None


class Own:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'value', None)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


KEYS: list[Any] = [
    None,
    ...,
    "a",
    "\udc80",
    b"a",
    7,
    -1,
    2.5,
    True,
    (None, "a", (1, None)),
    frozenset({"a", None, 3}),
    Colour.RED,
    Number.ONE,
    Text("a"),
    Point("x", None),
    Place("here"),
    Place("here", 3),
    Own(3),
    date(2026, 11, 28),
    datetime(2026, 11, 28, 12),
    datetime(2026, 11, 28, 12, tzinfo=timezone.utc),
    time(12, 30),
    timedelta(1),
    Decimal("1.5"),
    Fraction(1, 3),
    UUID(int=5),
    PurePosixPath("/a/b"),
    numpy.str_("a"),
    numpy.int64(7),
]


def hashes() -> list[int]:
    return [stable_hash(key) for key in KEYS]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_process_with_another_hash_seed_has_the_same_hashes(seed: str) -> None:
    source = "import sys; sys.path[:0] = sys.argv[1:]; from test_stable_hash import hashes; print(hashes())"
    command = [sys.executable, "-c", source, os.path.dirname(__file__), *sys.path]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == repr(hashes())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (1, numpy.int64(1)),
        (1, Number.ONE),
        (2.5, Fraction(5, 2)),
        (2.5, Decimal("2.5")),
        ("a", Text("a")),
        ("a", numpy.str_("a")),
        (b"a", memoryview(b"a")),
        ((1, "a"), (1.0, Text("a"))),
        (("x", None), Point("x", None)),
        (Folded("A"), Folded("a")),
        (
            datetime(2026, 11, 28, 12, tzinfo=timezone.utc),
            datetime(2026, 11, 28, 14, tzinfo=timezone(timedelta(hours=2))),
        ),
        (time(12, tzinfo=timezone.utc), time(14, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_equal_keys_of_different_types_have_equal_hashes(one: Any, other: Any) -> None:
    assert one == other
    assert stable_hash(one) == stable_hash(other)


keys = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()),
    lambda inner: st.one_of(st.tuples(inner, inner), st.frozensets(inner)),
    max_leaves=6,
)


@given(keys, st.integers(1, 9))
def test_every_key_has_one_target(key: Any, width: int) -> None:
    targets = StableTargets(width)

    assert targets[key] == targets[key] == stable_hash(key) % width
    assert 0 <= targets[key] < width


def test_what_has_no_hash_is_no_key() -> None:
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        stable_hash(([], 1))
    with pytest.raises(TypeError, match="unhashable type: 'dict'"):
        StableTargets(2)[{}]


class Slotted(Own):
    __slots__ = ("__value",)

    def __init__(self, value: Any) -> None:
        self.__value = value

    def __hash__(self) -> int:
        return hash(self.__value)


class Listed(Own):
    def __hash__(self) -> int:
        return hash(tuple(self.value))


class Pair(tuple[Any, ...]):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pair) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


class Nothing(Enum):
    NOTHING = None


before_312 = pytest.mark.skipif(sys.version_info >= (3, 12), reason="None has a hash of its own from there on")


@before_312
@pytest.mark.parametrize(
    "key",
    [
        Own(None),
        Own(Own(None)),
        Own((1, (2, None))),
        Own(frozenset({None})),
        Own(Place("here")),
        Own(Point(1, None)),
        Own(Own(Listed([Own(None)]))),
        Slotted(None),
        Listed([1, None]),
        Listed({"a": 1, None: 2}),
        Pair((1, None)),
    ],
    ids=repr,
)
def test_a_key_whose_own_hash_may_be_made_of_that_of_none_is_refused(key: Any) -> None:
    with pytest.raises(InvalidKeyError, match="key by a tuple of its fields"):
        stable_hash(key)


@pytest.mark.parametrize("value", [Nothing.NOTHING, UUID(int=5), (1, Own(2)), int, len, PurePosixPath("/a")])
def test_a_key_with_a_hash_of_its_own_holds_what_is_not_none(value: Any) -> None:
    assert stable_hash(Own(value)) == hash(value) & (1 << 61) - 1


def test_a_key_may_hold_itself() -> None:
    key = Listed([1])
    key.itself = key  # pyright: ignore[reportAttributeAccessIssue]

    assert stable_hash(key) == hash((1,)) & (1 << 61) - 1


def test_targets_are_spread_and_forgotten_when_they_are_many() -> None:
    targets = StableTargets(4)

    counts = [0] * 4
    for number in range(100_000):
        counts[targets[f"key {number}"]] += 1

    assert min(counts) > 24_000
    assert len(targets) <= 65_536
