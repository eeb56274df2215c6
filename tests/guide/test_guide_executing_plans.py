"""Executing Plans: the script, then packages, then after a dash what is the script's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from guided import Guide
from launched import Command

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys

import greetings.polite
import shouting

def main(factory):
    print("params:", sys.argv[1:], flush=True)
    env = factory.get_execution_environment()
    env.from_elements(*sys.argv[1:2]).rebalance().map(greetings.polite.greet).map(shouting.shout).output()
    env.execute()
"""


@pytest.fixture
def guide(tmp_path: Path) -> Guide:
    """What is looked at is the command line."""
    return Guide(Command(tmp_path))


@pytest.mark.parametrize(("parallelism", "params"), [(1, ["World"]), (2, ["World", "--flag", "-", "-p", "3", "a b"])])
def test_executing_plans_with_packages_and_params(guide: Guide, parallelism: int, params: list[str]) -> None:
    """A package directory and a module, both of elsewhere; the workers import them, too."""
    script = guide.write("plans/program.py", PROGRAM)
    guide.write("lib/greetings/__init__.py", "WORD = 'Hello'\n")
    guide.write("lib/greetings/polite.py", "from greetings import WORD\ndef greet(name): return f'{WORD} {name}'\n")
    guide.write("other/shouting.py", "def shout(text): return text.upper() + '!'\n")
    run = guide.succeed("-p", parallelism, script, "lib/greetings", "other/shouting.py", "-", *params)
    assert run.lines[0] == f"params: {params}"
    assert [record for _, record in run.numbered()][1:] == ["HELLO WORLD!"]


def test_executing_plans_without_packages_and_params(guide: Guide) -> None:
    program = """
        import sys
        def main(factory):
            print(len(sys.argv), sys.argv[0], flush=True)
            env = factory.get_execution_environment()
            env.from_elements("plan").output()
            env.execute()
    """
    script = guide.write("program.py", program)
    assert guide.succeed(script).lines == [f"1 {script}", "plan"]


def test_executing_plans_packages_are_only_what_was_given(guide: Guide) -> None:
    script = guide.write("plans/program.py", PROGRAM)
    guide.write("lib/greetings/__init__.py", "")
    guide.write("lib/greetings/polite.py", "def greet(name): return name\n")
    guide.write("lib/shouting.py", "def shout(text): return text\n")
    run = guide.call(script, "lib/greetings", "-", "World")
    assert (run.code, run.lines) == (1, [])
    assert "No module named 'shouting'" in run.err
