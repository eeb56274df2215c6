"""--explain: what the script would run, on standard output, without running it."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

if TYPE_CHECKING:
    from here import CommandHere
    from launched import Command

SQUARES = """
    def square(value):
        raise AssertionError("run")

    def main(factory):
        env = factory.get_execution_environment()
        env.generate_sequence(1, 3).map(square).write_as_text("squares")
        print("executing")
        result = env.execute("Squares")
        print("took", result.get_net_runtime(), "ms", result.get_accumulator_result("n"), len(result.get_job_id()))
"""
TREE = """\
Squares: 1 task on 1 worker

Task 1, parallelism 1
  Source: 1..3  (s.py:6)
  Map: square  (s.py:6)
  Sink: squares  (s.py:6)
"""


@pytest.mark.parametrize("args", [["--explain", "s.py"], ["s.py", "--explain"], ["--explain=text", "s.py"]])
def test_shows_the_plan_and_runs_nothing(quick: CommandHere, args: list[str]) -> None:
    quick.write("s.py", SQUARES)

    done = quick.run(*args)

    assert (done.returncode, done.stdout) == (0, TREE.replace("squares", str(quick.directory / "squares")))
    assert done.stderr == "executing\ntook 0 ms None 32\n"
    assert not (quick.directory / "squares").exists()


def test_a_parameter_of_the_script_that_looks_like_it_is_the_scripts(command: Command) -> None:
    command.write("s.py", "import sys\ndef main():\n    print(sys.argv[1:])")
    assert command.output("s.py", "-", "--explain") == "['--explain']\n"


def test_the_options_that_change_the_plan_count(quick: CommandHere) -> None:
    quick.write("s.py", SQUARES)
    done = quick.run("--explain", "-p", "3", "s.py")
    assert "Squares: 1 task on 3 workers\n\nTask 1, parallelism 3\n" in done.stdout


@pytest.mark.parametrize(
    ("form", "begin"), [("json", "{\n"), ("dot", 'digraph "Squares" {\n'), ("mermaid", "flowchart LR\n")]
)
def test_other_formats_are_for_other_programs(quick: CommandHere, form: str, begin: str) -> None:
    quick.write("s.py", SQUARES)
    done = quick.run(f"--explain={form}", "s.py")
    assert done.returncode == 0
    assert done.stdout.startswith(begin)
    if form == "json":
        assert [node["type"][:6] for node in json.loads(done.stdout)["nodes"]] == ["Source", "Map: s", "Sink: "]


def test_a_format_that_does_not_exist_is_refused(quick: CommandHere) -> None:
    quick.write("s.py", SQUARES)
    done = quick.run("--explain=svg", "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: --explain=svg: give text, json, dot or mermaid\n")


@pytest.mark.parametrize("args", [["--explain", "dot", "s.py"], ["s.py", "--explain", "dot"]])
def test_a_format_may_be_the_next_word(quick: CommandHere, args: list[str]) -> None:
    quick.write("s.py", SQUARES)
    assert quick.run(*args).stdout.startswith('digraph "Squares" {\n')


def test_a_package_that_is_called_like_a_format_is_a_package(quick: CommandHere) -> None:
    quick.write("dot/__init__.py", "")
    quick.write("s.py", f"import dot\n{dedent(SQUARES)}")
    assert quick.run("s.py", "--explain", "dot").stdout.startswith("Squares: 1 task on 1 worker\n")


def test_several_executions_show_several_plans(quick: CommandHere) -> None:
    quick.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            for name in "first", "second":
                env.from_elements(1).output()
                env.execute(name)
        """,
    )
    operators = "  Source: from_elements  (s.py:4)\n  Sink: output()  (s.py:4)\n"
    tree = f"1 task on 1 worker\n\nTask 1, parallelism 1\n{operators}"
    assert quick.output("--explain", "s.py") == f"first: {tree}\nsecond: {tree}"


def test_a_main_that_misses_the_results_of_its_job_is_told_of_without_failure(quick: CommandHere) -> None:
    quick.write("s.py", SQUARES + "        open('squares')\n")

    done = quick.run("--explain", "s.py")

    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Squares: 1 task on 1 worker")
    assert "Warning: main() failed after an execute(), which runs nothing here." in done.stderr
    assert "open('squares')" in done.stderr
    assert "FileNotFoundError" in done.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("undefined", "NameError: name 'undefined' is not defined"),
        ("env.execute()", "There is nothing to execute"),
        ("env.from_elements(1).iterate(); env.execute()", "was never closed"),
        ("env.execute('x'), env.execute('y')", "There is nothing to execute"),
    ],
)
def test_what_is_wrong_with_the_script_itself_is_a_failure(quick: CommandHere, line: str, message: str) -> None:
    prelude = "env.from_elements(1).output(); " if "'x'" in line else ""
    quick.write("s.py", f"def main(factory):\n    env = factory.get_execution_environment()\n    {prelude}{line}\n")
    done = quick.run("--explain", "s.py")
    assert done.returncode == 1
    assert message in done.stderr


def test_a_plan_that_could_not_be_run_is_refused(quick: CommandHere) -> None:
    quick.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).forward().map(abs).set_parallelism(2)
            env.execute()
        """,
    )
    done = quick.run("--explain", "s.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert "forward() needs equal parallelism" in done.stderr


def test_a_plan_that_is_not_executed_is_warned_of(quick: CommandHere) -> None:
    quick.write("s.py", "def main(factory):\n    factory.get_execution_environment().from_elements(1).output()\n")
    done = quick.run("--explain", "s.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert "was not run: call execute()" in done.stderr


def test_no_process_is_started_to_fork_workers_from(command: Command) -> None:
    command.write(
        "s.py",
        """
        import os, subprocess
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).output()
            env.execute()
            listed = subprocess.check_output(["ps", "-A", "-ww", "-o", "ppid=,args="], text=True).splitlines()
            print([line for line in listed if line.split()[0] == str(os.getpid()) and "forkserver" in line] != [])
        """,
    )
    assert command.run("--explain", "s.py").stderr == "False\n"
    assert command.output("s.py") == "1\nTrue\n"


def test_a_reader_that_has_seen_enough_ends_it_quietly(command: Command) -> None:
    command.write("s.py", SQUARES)
    process = command.start("--explain", "s.py")
    assert process.stdout is not None
    process.stdout.close()

    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 128 + 13
    assert "Traceback" not in err


def test_characters_that_standard_output_cannot_encode_are_replaced(command: Command) -> None:
    command.write("s.py", SQUARES.replace("generate_sequence(1, 3)", "from_elements(1).rebalance()"))
    done = command.run("--explain", "-p", "2", "s.py", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "?? REBALANCE ? Task 2, parallelism 2" in done.stdout


@pytest.mark.parametrize("options", [["--check", "--explain"]])
def test_two_things_to_do_at_once_are_refused(quick: CommandHere, options: list[str]) -> None:
    quick.write("s.py", SQUARES)
    done = quick.run(*options, "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "give one of them" in done.stderr
