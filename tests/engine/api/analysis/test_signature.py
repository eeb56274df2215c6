"""What the code of a user function shows."""

from __future__ import annotations

from typing import Any

import pytest

from stream_engine.api.analysis.signature import returns_nothing, signature_of, suspends


def expression(value: Any) -> Any:
    value.upper()


def guarded(value: Any) -> Any:
    with value:
        value.x = 1


def finished(value: Any) -> Any:
    try:
        value()
    finally:
        value(1)


def left_early(value: Any) -> Any:
    for each in value:
        if each:
            return
    while value:
        value()


def outer(value: Any) -> Any:
    def inner() -> int:
        return 3

    inner()


def sometimes(value: Any) -> Any:
    if value:
        return 1


def either(value: Any) -> Any:
    return value if value else None


def assigned(value: Any) -> Any:
    result = 1
    if value:
        result = None
    return result


def tried(value: Any) -> Any:
    try:
        return value()
    except ValueError:
        print("no value")


def matched(value: Any) -> Any:
    match value:
        case 1:
            return "one"
        case _:
            print(value)


def refusing(value: Any) -> Any:
    raise NotImplementedError


def yielding(value: Any) -> Any:
    yield value


async def awaiting(value: Any) -> Any:
    return value


class Callable:
    def __call__(self, value: Any) -> Any:
        self.value = value

    def method(self, value: Any) -> Any:
        return self.value


@pytest.mark.parametrize("function", [expression, guarded, finished, left_early, outer, Callable()])
def test_a_function_without_a_value_to_return_is_recognised(function: Any) -> None:
    assert returns_nothing(function)


@pytest.mark.parametrize(
    "function",
    [
        sometimes,
        either,
        assigned,
        tried,
        matched,
        refusing,
        yielding,
        awaiting,
        Callable().method,
        lambda value: None,
        print,
        int,
    ],
)
def test_a_function_that_may_return_a_value_is_not_suspected(function: Any) -> None:
    assert not returns_nothing(function)


def test_what_runs_nothing_when_called_is_recognised() -> None:
    assert [suspends(each) for each in (yielding, awaiting, sometimes, Callable(), print)] == [
        "yield",
        "async",
        "",
        "",
        "",
    ]


def test_parameters_are_those_of_a_call() -> None:
    assert str(signature_of(Callable())) == "value"
    assert str(signature_of(Callable().method)) == "value"
    assert signature_of(len) is None
