"""Which functions can neither change nor keep the records they are called with."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from stream_engine.api.effects import only_reads

kept: list[Any] = []
last: Any = None


class Function:
    def __init__(self) -> None:
        self.count = 0
        self.seen: list[Any] = []
        self.factor = 2

    def scale(self, value: Any) -> Any:
        return value * self.factor

    def count_only(self, value: Any) -> None:
        self.count += 1

    def keep(self, value: Any) -> None:
        self.last = value

    def collect(self, value: Any) -> None:
        self.seen.append(value)

    def __call__(self, value: Any) -> Any:
        return value[0]


def branching(value: Any) -> Any:
    word, count = value
    pair = (word, -count) if count > 3 and word != "x" else [word, f"{count}:{word!r:>4}"]
    return pair or None


def counting(a: Any, b: Any) -> Any:
    return (a[0], a[1] + b[1])


def constant(value: Any) -> str:
    print("seen")
    return "constant"


@pytest.mark.parametrize(
    "function",
    [
        lambda value: value, lambda value: value[1], lambda value: value % 2 == 0, lambda a, b: a if a > b else b,
        lambda value: {"key": value.key, "rest": value[1:-1]}, lambda value: value[1][-1],
        lambda value: value is None or value in (1, 2),
        lambda value: not value, branching, counting, constant, Function().scale, Function().count_only, Function(),
    ],
)  # fmt: skip
def test_a_function_that_makes_its_result_of_what_it_reads_only_reads(function: Any) -> None:
    assert only_reads(function)


def appending(a: Any, b: Any) -> Any:
    a.append(b)
    return a


def adding(a: Any, b: Any) -> Any:
    a += b
    return a


def assigning(value: Any) -> Any:
    value[0] = 1
    return value


def setting(value: Any) -> Any:
    value.name = "x"
    return value


def deleting(value: Any) -> Any:
    del value[0]
    return value


def remembering(value: Any) -> Any:
    global last
    last = value
    return value


def keeping(value: Any) -> Any:
    kept[0] = value
    return 1


def enclosing(value: Any) -> Any:
    def later() -> Any:
        value[0] = 1

    return later()


def generating(value: Any) -> Any:
    yield value


def comprehending(values: Any) -> Any:
    return [appending(each, 1) for each in values]


def inspecting(value: Any) -> Any:
    kept.append(locals())


def variadic(*values: Any) -> Any:
    kept.append(values)


@pytest.mark.parametrize(
    "function",
    [
        appending, adding, assigning, setting, deleting, remembering, keeping, enclosing, generating, comprehending,
        variadic, inspecting, lambda value: str(value), lambda value: value["key"], lambda value: value[kept],
        Function().keep, Function().collect, Function, len, partial(appending, []),
    ],
)  # fmt: skip
def test_a_function_that_could_change_or_keep_what_it_is_given_does_not(function: Any) -> None:
    assert not only_reads(function)
