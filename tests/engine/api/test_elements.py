from __future__ import annotations

import threading
from typing import Any

import pytest

from stream_engine.api.elements import PythonIterator
from stream_engine.api.jdk import NoSuchElementException
from stream_engine.connectors.collection import CollectionReader
from stream_engine.graph.specs import ClientSource, CollectionSource
from stream_engine.job import InvalidProgramException


class CountDown(PythonIterator):
    def __init__(self, start: int) -> None:
        self.left = start

    def hasNext(self) -> bool:
        return True

    def next(self) -> int:
        if not self.left:
            raise NoSuchElementException()
        self.left -= 1
        return self.left


def elements(env: Any) -> list[Any]:
    operator = env.graph.nodes[-1].operator
    if isinstance(operator, ClientSource):
        return list(operator.iterable)
    assert isinstance(operator, CollectionSource)
    found = CollectionReader(operator.chunks, operator.size).read(10**6) or []
    assert operator.size == len(found)
    return found


def test_each_argument_is_an_element(env: Any) -> None:
    env.from_elements([1, 2], "three", None)
    assert elements(env) == [[1, 2], "three", None]


@pytest.mark.parametrize("collection", [[1, 2], (1, 2), {1, 2}, {1: "a", 2: "b"}, {1: 0, 2: 0}.keys(), range(1, 3)])
def test_a_collection_gives_its_elements(env: Any, collection: Any) -> None:
    env.from_collection(collection)
    assert elements(env) == [1, 2]


@pytest.mark.parametrize("collection", [[], (), range(0), iter([])])
def test_a_collection_may_be_empty(env: Any, collection: Any) -> None:
    env.from_collection(collection)
    assert elements(env) == []


def test_a_collection_is_copied_at_the_call(env: Any) -> None:
    rows = [{"count": 1}]
    env.from_collection(rows)
    rows[0]["count"] = 2
    rows.append({"count": 3})
    assert elements(env) == [{"count": 1}]


def test_a_large_collection_is_copied_in_chunks(env: Any) -> None:
    env.from_collection(list(range(2500)))
    operator = env.graph.nodes[0].operator
    assert (operator.size, len(operator.chunks)) == (2500, 3)


def test_elements_of_local_classes_are_copied(env: Any) -> None:
    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

    env.from_elements(Point(5))
    assert elements(env)[0].x == 5


def test_a_generator_is_read_later_and_lazily(env: Any) -> None:
    read: list[int] = []

    def numbers() -> Any:
        for number in range(3):
            read.append(number)
            yield number

    env.from_collection(numbers())
    assert read == []
    assert elements(env) == [0, 1, 2]


def test_an_open_file_is_read_line_by_line(env: Any, tmp_path: Any) -> None:
    path = tmp_path / "in.txt"
    path.write_text("a\nb\n")
    with path.open() as file:
        env.from_collection(file)
        assert elements(env) == ["a\n", "b\n"]


def test_a_huge_range_is_not_copied(env: Any) -> None:
    env.from_collection(range(10**12))
    assert env.graph.nodes[0].operator == ClientSource(range(10**12))


def test_a_python_iterator_ends_with_its_exception(env: Any) -> None:
    env.from_collection(CountDown(3))
    assert elements(env) == [2, 1, 0]


def test_a_string_is_not_taken_for_a_collection(env: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"call from_elements\(\)"):
        env.from_collection("abc")
    with pytest.raises(InvalidProgramException, match="something that can be iterated over, not 5"):
        env.from_collection(5)


def test_an_unpicklable_element_is_named(env: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"test_elements\.py:\d+: Element 1501 uses self\['lock'\]"):
        env.from_collection([{"number": number} for number in range(1501)] + [{"lock": threading.Lock()}])
