"""Names that inlined functions read, and that get other values, or none, between two records."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import pytest
from inlined import file_outcomes

from stream_engine.graph import specs

if TYPE_CHECKING:
    from pathlib import Path

# Each has a function to map with, and one that is called between the records 1 and 2.
FILES = {
    "a global is deleted": """
        limit = 3
        def f0(value): return value < limit
        def change():
            global limit
            del limit
    """,
    "a global is deleted by its name": """
        limit = 3
        def f0(value): return value < limit
        def change(): globals().pop("limit", None)
    """,
    "a global is deleted by code": """
        limit = 3
        def f0(value): return value < limit
        def change(): exec("del limit", f0.__globals__)
    """,
    "a handler deletes a global": """
        limit = 3
        def f0(value): return value < limit
        def change():
            global limit
            try:
                1 // 0
            except ZeroDivisionError as limit:
                pass
    """,
    "a variable around the function is deleted": """
        def around():
            limit = 3
            def below(value): return value < limit
            def forget():
                nonlocal limit
                del limit
            return below, forget
        f0, change = around()
    """,
    "a global that hides a builtin is deleted": """
        max = "largest"
        def f0(value): return max
        def change():
            global max
            del max
    """,
    "a function hides a builtin": """
        def f0(value): return max(value, 1)
        def change():
            global max
            def max(*values): return values
    """,
    "an import hides a builtin": """
        def f0(value): return abs(value)
        def change():
            global abs
            from operator import neg as abs
    """,
    "a builtin is hidden by its name": """
        def f0(value): return abs(value)
        def change(): globals()["abs"] = str
    """,
}


@pytest.mark.parametrize("file", FILES)
def test_names_mean_the_same_when_functions_are_inlined(tmp_path: Path, file: str) -> None:
    called, inlined = file_outcomes(tmp_path, FILES[file], [specs.Map], ["[1]", "[2]"])
    assert inlined == called


@pytest.mark.parametrize("name", ["record", "records", "time"])
def test_a_builtin_of_the_scripts_own_is_no_variable_of_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(builtins, name, "mine", raising=False)
    called, inlined = file_outcomes(tmp_path, f"def f0(value): return {name}", [specs.Map], ["[(1, None)]"], timed=True)
    assert inlined == called
