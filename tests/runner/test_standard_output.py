"""The end of standard output: ``pyflink-stream ... | head`` is over when head is."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

if TYPE_CHECKING:
    from launched import Command

SCRIPT = """
    import itertools, sys
    def printed(number):
        print(number)
        return number
    def main(factory):
        env = factory.get_execution_environment()
        source, *_ = sys.argv[1:]
        numbers = itertools.count()
        if source == "main":
            for number in numbers:
                print(number)
        elif source == "generator":
            env.from_collection(printed(number) for number in numbers).filter(lambda number: False)
        elif source == "function":
            env.from_collection(iter(numbers)).map(printed).filter(lambda number: False)
        else:
            env.from_collection(iter(numbers)).output()
        env.execute()
        print("not reached", file=sys.stderr)
"""


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("source", ["main", "generator", "function", "output"])
def test_a_reader_that_has_enough_ends_the_run_without_a_word(command: Command, source: str, parallelism: int) -> None:
    command.write("s.py", SCRIPT)
    process = command.start("-p", str(parallelism), "s.py", "-", source)
    assert process.stdout is not None
    assert process.stderr is not None
    with process, process.stderr:
        assert all(process.stdout.readline().endswith("\n") for _ in range(3))
        process.stdout.close()
        err = process.stderr.read()
        status = process.wait(PATIENCE)
    assert (status, err) == (141, "")


def test_a_reader_that_does_not_even_begin_is_no_error(command: Command) -> None:
    command.write("s.py", "def main(factory):\n    print('unread')\n")
    read, write = os.pipe()
    os.close(read)
    done = command.run("s.py", popen={"stdout": write})
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_pipe_of_the_scripts_own_that_breaks_is_an_error(command: Command) -> None:
    command.write(
        "s.py",
        """
        import os
        def main(factory):
            read, write = os.pipe()
            os.close(read)
            os.write(write, b"unread")
        """,
    )
    done = command.run("s.py")
    assert done.returncode == 1
    assert done.stderr.startswith("BrokenPipeError: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is a device of Linux")
@pytest.mark.parametrize(
    "script",
    ["def main(factory):\n    print('lost')\n", SCRIPT.replace("source, *_ = sys.argv[1:]", "source = 'output'")],
)
def test_output_that_cannot_be_written_fails_the_run(command: Command, script: str) -> None:
    command.write("s.py", script)
    with open("/dev/full", "w") as full:
        done = command.run("s.py", popen={"stdout": full}, PYTHONUNBUFFERED="")
    assert done.returncode == 1
    first, *_ = done.stderr.splitlines()
    assert re.fullmatch(r"\w+: (\[Errno 28\] )?standard output cannot be written to: No space left.*", first)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is a device of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("option", ["--help", "--version", "--check"])
def test_help_and_checks_that_cannot_be_written_are_one_message(command: Command, option: str, unbuffered: str) -> None:
    command.write("s.py", "print 'an old script'\n")
    with open("/dev/full", "w") as full:
        done = command.run(option, "s.py", popen={"stdout": full}, PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (
        1,
        "Error: standard output cannot be written to: No space left on device\n",
    )
