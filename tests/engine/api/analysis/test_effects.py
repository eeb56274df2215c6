"""Which functions can neither change nor keep the records they are called with."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from behaviours import (
    Function,
    adding,
    appending,
    assigning,
    branching,
    comprehending,
    constant,
    counting,
    deleting,
    enclosing,
    generating,
    inspecting,
    keeping,
    kept,
    remembering,
    setting,
    variadic,
)

from stream_engine.api.analysis.effects import only_reads


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
