"""Which fields of the tuple that a function returns are its own."""

from __future__ import annotations

from typing import Any

import pytest

from stream_engine.api.analysis.results import loses_results, made_fields


class Sum:
    def reduce(self, a: Any, b: Any) -> Any:
        return (a[0] + b[0], a[1])


def unpacking(a: Any, b: Any) -> Any:
    word, count = a
    _, more = b
    return word, count + more


def named(a: Any, b: Any) -> Any:
    total = a[1] + b[1]
    return a[0], total, "sum"


def nested(a: Any, b: Any) -> Any:
    return (a[0], (a[1], b[1]))


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        (lambda a, b: (a[0], a[1] + b[1]), (1,)),
        (lambda a, b: (a[0] + b[0], a[1]), (0,)),
        (Sum().reduce, (0,)),
        (unpacking, (1,)),
        (named, (1,)),
        (nested, (1,)),
        (lambda a, b: (a[0], b[1]), (1,)),
        (lambda a, b: (-a[0], a[1].name, a[2] > b[2], a[-1]), (0, 1, 2)),
        (lambda a, b: (a, b), (0, 1)),
        (lambda a, b: (a[0][0], 1), (0,)),
    ],
)
def test_all_but_the_fields_of_the_first_argument_are_made(function: Any, fields: tuple[int, ...]) -> None:
    assert made_fields(function) == fields


def growing(a: Any, b: Any) -> Any:
    a += b
    return (a[0], a[1] + 1)


def replacing(a: Any, b: Any) -> Any:
    a = b
    return (a[0], 1)


def looping(a: Any, b: Any) -> Any:
    for _ in b:
        a = b
    return (a[0], 1)


def enclosing(a: Any, b: Any) -> Any:
    return (a[0], lambda: a)


def variadic(*values: Any) -> Any:
    return (values[0], 1)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a + b, lambda a, b: [a[0], a[1] + b[1]], lambda a, b: a if a[0] > b[0] else b,
        lambda a, b: (a[0], a[1] + b[1]) if b else a, lambda a, b: (a[0], max(a[1], b[1])), lambda a, b: (a[1], a[0]),
        lambda a, b: (*a, b), growing, looping, enclosing, variadic, max, Sum,
    ],
)  # fmt: skip
def test_of_other_functions_nothing_is_known(function: Any) -> None:
    assert made_fields(function) == ()


def test_what_another_name_stands_for_is_not_taken_from_the_first_argument() -> None:
    assert made_fields(replacing) == (0,)


def listing(value: Any, collector: Any) -> Any:
    return [value]


def finishing_early(value: Any, collector: Any) -> Any:
    if not value:
        return None
    return value


def collecting(value: Any, collector: Any) -> Any:
    collector.collect(value)
    return value


def collecting_within(value: Any, collector: Any) -> Any:
    def collect() -> Any:
        return collector.collect(value)

    return collect()


def acting(value: Any, collector: Any) -> Any:
    print(value)


def taking_all(*arguments: Any) -> Any:
    return arguments


class Lister:
    def flatMap(self, value: Any, collector: Any) -> Any:
        return [value]


@pytest.mark.parametrize(
    "function", [listing, finishing_early, Lister().flatMap, lambda v, c: [v.strip()], lambda v, c: v]
)
def test_a_result_that_is_returned_in_place_of_collected_is_lost(function: Any) -> None:
    assert loses_results(function, 1)


@pytest.mark.parametrize(
    "function",
    [
        collecting,
        collecting_within,
        acting,
        taking_all,
        lambda v, c: print(v),
        lambda v, c: print(v) if v else None,
        lambda v, c: [c.collect(each) for each in v],
        lambda v, c: None,
        print,
    ],
)
def test_a_function_that_collects_or_returns_nothing_loses_nothing(function: Any) -> None:
    assert not loses_results(function, 1)
