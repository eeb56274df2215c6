"""Scripts and functions that set ``sys.stdout`` or ``sys.stderr`` to None, as some do to silence a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from launched import Launcher

SCRIPT = """
    import sys
    def silence(number):
        sys.stdout = sys.stderr = None
        print("into nothing")
        if number == 2 and "fail" in sys.argv:
            raise ValueError("on purpose")
        return number
    def main(factory):
        if "main" in sys.argv:
            silence(0)
        env = factory.get_execution_environment()
        env.from_elements(1, 2).map(silence if "function" in sys.argv else fail).output()
        env.execute()
    def fail(number):
        if number == 2 and "fail" in sys.argv:
            raise ValueError("on purpose")
        return number
"""


@pytest.mark.parametrize("options", [[], ["-p", "2"], ["--local-debug"]])
def test_a_function_may_take_its_own_streams_away(launcher: Launcher, options: list[str]) -> None:
    done = launcher.run(SCRIPT, *options, "-", "function")
    assert (done.code, done.err) == (0, "")
    assert sorted(line[-1] for line in done.lines) == ["1", "2"]


@pytest.mark.parametrize("options", [[], ["--local-debug"]])
def test_a_main_may_take_its_own_streams_away(launcher: Launcher, options: list[str]) -> None:
    done = launcher.run(SCRIPT, *options, "-", "main")
    assert (done.code, done.lines, done.err) == (0, [], "")


@pytest.mark.parametrize("place", ["main", "function"])
@pytest.mark.parametrize("options", [[], ["--local-debug"]])
def test_a_failure_is_told_though_there_is_no_standard_error(
    launcher: Launcher, options: list[str], place: str
) -> None:
    done = launcher.run(SCRIPT, *options, "-", place, "fail")
    assert done.code == 1
    assert done.err.startswith("ValueError: on purpose\n")
