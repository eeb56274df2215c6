"""Which fields of the tuple that a function returns are its own."""

from __future__ import annotations

from typing import Any

import pytest

from stream_engine.api.analysis.results import made_fields


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
