"""Data Types: primitives, byte arrays, classes of the user's own, tuples and lists."""

from __future__ import annotations

import pytest
from guided import Guide, Run
from launched import Command

PROGRAM = """
from org.apache.flink.api.common.functions import MapFunction

class Person:
    def __init__(self, name, age):
        self.name = name
        self.age = age

class ToPerson(MapFunction):
    def map(self, value):
        return (1, Person(*value))

class Second(MapFunction):
    def map(self, value):
        return value[1]

def described(value):
    return type(value).__name__, value

def main(factory):
    env = factory.get_execution_environment()
    # shuffle() and key_by() send records to other workers, where there are some.
    env.from_elements(1, -2 ** 70, 1.5, True, "süß", None).shuffle().map(described).output("primitives")
    env.from_elements(b"a\\xff", bytearray(b"b\\x00")).shuffle().map(described).output("bytes")
    env.from_elements((1, "a", (2.5,)), [1, ["b"]]).shuffle().map(described).output("composite")

    people = env.from_elements(("Ada", 36), ("Alan", 41)).map(ToPerson())
    people.shuffle().map(lambda value: f"{value[0]} {value[1].name} {value[1].age}").output("people")
    people.key_by(lambda value: value[1].name).reduce(lambda one, two: one).map(
        lambda value: described(value[1])[0]).output("keyed")

    word_counts = env.from_elements(("hello", 1), ("world", 2))
    counts = word_counts.map(Second())
    counts.output("counts")
    for name, key in (("int", 1), ("str", "k"), ("bool", True), ("bytes", b"k"), ("float", 0.5), ("tuple", (1, "k"))):
        pairs = env.from_elements((key, 1), (key, 2), (key, 3)).rebalance()
        pairs.key_by(lambda pair: pair[0]).reduce(lambda one, two: (one[0], one[1] + two[1])).filter(
            lambda pair: pair[1] == 6).output("key " + name)
    env.execute()
"""


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "on two workers"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Guide(Command(tmp_path_factory.mktemp("types"))).run(PROGRAM, request.param)


def test_data_types_primitives_stay_what_they_are(run: Run) -> None:
    described = [("int", 1), ("int", -(2**70)), ("float", 1.5), ("bool", True), ("str", "süß"), ("NoneType", None)]
    assert run.records("primitives") == sorted(map(str, described))


def test_data_types_byte_arrays_stay_what_they_are(run: Run) -> None:
    assert run.records("bytes") == sorted(map(str, [("bytes", b"a\xff"), ("bytearray", bytearray(b"b\0"))]))


def test_data_types_tuples_and_lists_are_composites(run: Run) -> None:
    assert run.records("composite") == ["('list', [1, ['b']])", "('tuple', (1, 'a', (2.5,)))"]
    assert run.records("counts") == ["1", "2"]


def test_data_types_classes_of_the_script(run: Run) -> None:
    assert run.records("people") == ["1 Ada 36", "1 Alan 41"]
    assert run.records("keyed") == ["Person", "Person"]


@pytest.mark.parametrize(
    ("name", "key"),
    [("int", 1), ("str", "k"), ("bool", True), ("bytes", b"k"), ("float", 0.5), ("tuple", (1, "k"))],
)
def test_data_types_are_keys(run: Run, name: str, key: object) -> None:
    assert run.records(f"key {name}") == [str((key, 6))]
