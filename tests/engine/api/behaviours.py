"""Functions that read, change, keep and forget what they are called with."""

from __future__ import annotations

import json
from typing import Any

import pytest

kept: list[Any] = []
last: Any = None


class Function:
    def __init__(self) -> None:
        self.count = 0
        self.seen: list[Any] = []
        self.factor = 2

    def scale(self, value: Any) -> Any:
        return value * self.factor

    def forget(self, value: Any) -> Any:
        return [value, value + 1]

    def grow(self, value: Any) -> Any:
        self.factor += value
        return value

    def mark(self, value: Any) -> Any:
        return lambda: (self, value)

    def count_only(self, value: Any) -> None:
        self.count += 1

    def keep(self, value: Any) -> None:
        self.last = value

    def collect(self, value: Any) -> None:
        self.seen.append(value)

    def __call__(self, value: Any) -> Any:
        return value[0]


class Opened(Function):
    def open(self, config: Any) -> None:
        self.factor: Any = []


def branching(value: Any) -> Any:
    word, count = value
    pair = (word, -count) if count > 3 and word != "x" else [word, f"{count}:{word!r:>4}"]
    return pair or None


def counting(a: Any, b: Any) -> Any:
    return (a[0], a[1] + b[1])


def constant(value: Any) -> str:
    print("seen")
    return "constant"


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


class Person:
    everyone: list[Any] = []

    def __init__(self, name: str) -> None:
        self.name = name


LIMIT = 3


def helped(value: Any) -> Any:
    return constant(value) + json.dumps(value)


def helped_to_keep(value: Any) -> Any:
    remembering(value)


def recursive(value: Any) -> Any:
    return recursive(value[1:]) if len(value) > LIMIT else value


def in_a_default(value: Any, seen: Any = kept) -> Any:
    return value


def in_a_class(value: Any) -> Any:
    Person.everyone.append(value)


def in_a_module(value: Any) -> Any:
    pytest.kept = value  # pyright: ignore[reportAttributeAccessIssue]


def in_a_closure(limit: Any) -> Any:
    return lambda value: value[:limit]


def in_a_variable_outside() -> Any:
    last = 0

    def keep(value: Any) -> Any:
        nonlocal last
        last, before = value, last
        return before

    return keep


def deep_within(value: Any) -> Any:
    return [kept for _ in value]
