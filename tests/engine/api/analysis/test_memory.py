"""Which functions keep nothing of their records after a call."""

from __future__ import annotations

import json
import sys
from functools import partial
from operator import itemgetter
from typing import Any

import pytest
from behaviours import (
    Function,
    Opened,
    Person,
    appending,
    branching,
    comprehending,
    constant,
    deep_within,
    enclosing,
    helped,
    helped_to_keep,
    in_a_class,
    in_a_closure,
    in_a_default,
    in_a_module,
    in_a_variable_outside,
    inspecting,
    keeping,
    kept,
    recursive,
    remembering,
)

from stream_engine.api.analysis.memory import forgets


@pytest.mark.parametrize(
    "function",
    [
        lambda value: value, lambda value: value.split(","), lambda value: Person(*value), appending, enclosing, helped,
        recursive, comprehending, branching, constant, in_a_closure(3), Function().forget, Function(), str,
        json.loads, Person,
        lambda value: [sys.intern(word) for word in value], Function().scale,
    ],
)  # fmt: skip
def test_a_function_that_reaches_nothing_that_lasts_forgets(function: Any) -> None:
    assert forgets(function)


@pytest.mark.parametrize(
    "function",
    [
        remembering, keeping, inspecting, helped_to_keep, in_a_default, in_a_class, in_a_module, in_a_closure([]),
        in_a_variable_outside(), deep_within, Function().keep, Function().collect, Function().grow,
        Function().mark, Opened().scale,
        partial(appending, []), itemgetter(1), [].append, lambda value: print(value, file=sys.stderr) or kept,
    ],
)  # fmt: skip
def test_a_function_that_reaches_something_that_lasts_may_remember(function: Any) -> None:
    assert not forgets(function)
