"""--local-debug: debuggers stop in user functions, and have the terminal to themselves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE
from terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from launched import Command

pytestmark = pytest.mark.usefixtures("patient")

PROMPT = "(Pdb) "
SCRIPT = """
    from org.apache.flink.api.common.functions import MapFunction

    class Doubler(MapFunction):
        def map(self, value):
            doubled = value * 2
            return doubled

    def main(factory):
        env = factory.get_execution_environment()
        env.from_elements(1, 2, 3).map(Doubler()).output()
        env.execute()
"""


class Debugger:
    """The launcher on a terminal, where pdb asks for commands."""

    def __init__(self, command: Command, *args: str | Path) -> None:
        environment = {**command.environment, "PYTHON_COLORS": "0"}
        self._terminal = Terminal([sys.executable, *args], command.directory, environment)
        self.process, self.until, self.close = self._terminal.process, self._terminal.until, self._terminal.close

    def answer(self, line: str) -> str:
        """What the debugger says to ``line``, up to its next prompt."""
        self._terminal.type(f"{line}\n")
        return self.until(PROMPT)

    def last(self, line: str) -> str:
        """What is written after ``line``, to the end of the process."""
        self._terminal.type(f"{line}\n")
        return self.until("")


@pytest.fixture
def debug(command: Command) -> Iterator[Callable[..., Debugger]]:
    """Starts the launcher with the arguments."""
    started: list[Debugger] = []

    def start(*args: str | Path) -> Debugger:
        started.append(Debugger(command, *args))
        return started[-1]

    yield start
    for debugger in started:
        debugger.close()


def test_breakpoint_stops_in_a_function_and_the_job_continues_from_there(
    command: Command, debug: Callable[..., Debugger]
) -> None:
    # given
    command.write("s.py", SCRIPT.replace("return doubled", "if value == 2: breakpoint()\n            return doubled"))
    debugger = debug("-m", "pyflink_stream", "--local-debug", "-p", "2", "s.py")

    # when
    stopped = debugger.until(PROMPT)
    value = debugger.answer("p value, doubled")
    where = debugger.answer("where")
    rest = debugger.last("continue")

    # then
    assert stopped.startswith("1> 2\n> ")
    assert "/s.py(" in stopped
    assert "(2, 4)\n" in value
    assert "main()\n-> env.execute()\n" in where
    assert "2> 4\n1> 6\n" in rest
    assert debugger.process.wait(timeout=PATIENCE) == 0


def test_leaving_the_debugger_ends_the_run_quietly(command: Command, debug: Callable[..., Debugger]) -> None:
    command.write("s.py", SCRIPT.replace("return doubled", "breakpoint()\n            return doubled"))
    debugger = debug("-m", "pyflink_stream", "--local-debug", "s.py")

    debugger.until(PROMPT)
    rest = debugger.last("quit")

    assert debugger.process.wait(timeout=PATIENCE) == 130
    assert "Traceback" not in rest


@pytest.mark.skipif(sys.version_info[:3] == (3, 13, 0), reason="pdb of 3.13.0 takes a program's options for its own")
def test_breakpoints_set_by_file_and_line_are_met(command: Command, debug: Callable[..., Debugger]) -> None:
    script = command.write("s.py", SCRIPT)
    commands = ["-c", f"break {script}:6", "-c", "continue"]
    debugger = debug("-m", "pdb", *commands, "-m", "pyflink_stream", "--local-debug", script)

    stopped = debugger.until("-> return doubled\n" + PROMPT)
    value = debugger.answer("p doubled")

    assert f"{script}(6)map()" in stopped
    assert "2\n" in value


@pytest.mark.parametrize("options", [["--check"], ["--explain"]])
def test_two_things_to_do_at_once_are_refused(command: Command, options: list[str]) -> None:
    command.write("s.py", SCRIPT)
    done = command.run("--local-debug", *options, "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{options[0]} and --local-debug exclude each other" in done.stderr


@pytest.mark.parametrize("option", ["--check", "--explain", "--local-debug"])
def test_a_page_of_no_workers_is_refused(command: Command, option: str) -> None:
    command.write("s.py", SCRIPT)
    done = command.run("--ui", option, "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{option} runs no workers that --ui could show" in done.stderr


def test_functions_read_standard_input_and_write_standard_output_themselves(command: Command) -> None:
    command.write("s.py", SCRIPT.replace("doubled = value * 2", "print('asked'); doubled = value * int(input())"))
    with command.write("numbers", "10\n20\n30\n").open() as numbers:
        assert command.output("--local-debug", "s.py", popen={"stdin": numbers}) == "asked\n10\nasked\n40\nasked\n90\n"


def test_an_error_is_reported_as_of_workers(command: Command) -> None:
    command.write("s.py", SCRIPT.replace("value * 2", "1 // (value - 2)"))
    inline, workers = command.run("--local-debug", "-p", "2", "s.py"), command.run("-p", "2", "s.py")
    assert inline.returncode == 1
    assert inline.stderr == workers.stderr
