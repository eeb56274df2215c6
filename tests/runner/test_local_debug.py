"""--local-debug: debuggers stop in user functions, and have the terminal to themselves."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Command

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


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, command: Command, *args: str | Path) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, *map(str, args)],
            cwd=command.directory,
            env={**command.environment, "TERM": "dumb", "PYTHON_COLORS": "0"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, text: str) -> str:
        """What is written up to and with ``text``, or to the end when that is empty."""
        seen = ""
        while not text or text not in seen:
            try:
                data = os.read(self._ours, 1024)
            except OSError:  # As Linux tells the end.
                data = b""
            if not data:
                break
            seen += data.decode().replace("\r\n", "\n")
        return seen

    def answer(self, line: str) -> str:
        """What the debugger says to ``line``, up to its next prompt."""
        os.write(self._ours, f"{line}\n".encode())
        return self.until(PROMPT)

    def last(self, line: str) -> str:
        """What is written after ``line``, to the end of the process."""
        os.write(self._ours, f"{line}\n".encode())
        return self.until("")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    terminals: list[Terminal] = []
    yield terminals
    for terminal in terminals:
        terminal.close()


def test_breakpoint_stops_in_a_function_and_the_job_goes_on_from_there(
    command: Command, terminals: list[Terminal]
) -> None:
    # given
    command.write("s.py", SCRIPT.replace("return doubled", "if value == 2: breakpoint()\n            return doubled"))
    terminal = Terminal(command, "-m", "pyflink_stream", "--local-debug", "-p", "2", "s.py")
    terminals.append(terminal)

    # when
    stopped = terminal.until(PROMPT)
    value = terminal.answer("p value, doubled")
    where = terminal.answer("where")
    rest = terminal.last("continue")

    # then
    assert stopped.startswith("1> 2\n> ")
    assert "/s.py(" in stopped
    assert "(2, 4)\n" in value
    assert "main()\n-> env.execute()\n" in where
    assert "2> 4\n1> 6\n" in rest
    assert terminal.process.wait(timeout=60) == 0


def test_leaving_the_debugger_ends_the_run_without_a_traceback(command: Command, terminals: list[Terminal]) -> None:
    command.write("s.py", SCRIPT.replace("return doubled", "breakpoint()\n            return doubled"))
    terminal = Terminal(command, "-m", "pyflink_stream", "--local-debug", "s.py")
    terminals.append(terminal)

    terminal.until(PROMPT)
    rest = terminal.last("quit")

    assert terminal.process.wait(timeout=60) == 130
    assert "Traceback" not in rest


def test_breakpoints_set_by_file_and_line_are_met(command: Command, terminals: list[Terminal]) -> None:
    script = command.write("s.py", SCRIPT)
    commands = ["-c", f"break {script}:6", "-c", "continue"]
    terminal = Terminal(command, "-m", "pdb", *commands, "-m", "pyflink_stream", "--local-debug", script)
    terminals.append(terminal)

    stopped = terminal.until("-> return doubled\n" + PROMPT)
    value = terminal.answer("p doubled")

    assert f"{script}(6)map()" in stopped
    assert "2\n" in value


@pytest.mark.parametrize("options", [["--check"], ["--explain"]])
def test_two_things_to_do_at_once_are_refused(command: Command, options: list[str]) -> None:
    command.write("s.py", SCRIPT)
    done = command.run("--local-debug", *options, "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{options[0]} and --local-debug are different things to do" in done.stderr


def test_functions_read_standard_input_and_write_standard_output_themselves(command: Command) -> None:
    command.write("s.py", SCRIPT.replace("doubled = value * 2", "print('asked'); doubled = value * int(input())"))
    process = subprocess.run(
        [sys.executable, "-m", "pyflink_stream", "--local-debug", "s.py"],
        cwd=command.directory,
        env=command.environment,
        input="10\n20\n30\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (process.stdout, process.stderr) == ("asked\n10\nasked\n40\nasked\n90\n", "")


def test_an_error_is_reported_as_of_workers(command: Command) -> None:
    command.write("s.py", SCRIPT.replace("value * 2", "1 // (value - 2)"))
    inline, workers = command.run("--local-debug", "-p", "2", "s.py"), command.run("-p", "2", "s.py")
    assert inline.returncode == 1
    assert inline.stderr == workers.stderr
