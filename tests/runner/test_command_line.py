"""The grammar of the command line, and the exit statuses."""

from __future__ import annotations

import ast
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

import pyflink_stream

if TYPE_CHECKING:
    from here import CommandHere
    from launched import Command

ARGUMENTS = """
    import sys
    def main(factory):
        print(sys.argv)
"""


def test_everything_after_the_first_bare_dash_is_the_scripts(command: Command) -> None:
    command.write("s.py", ARGUMENTS)
    command.write("pkg1/__init__.py", "")
    command.write("helper.py", "")
    outside = command.directory.parent / f"{command.directory.name}-pkg2"
    outside.mkdir()
    out = command.output("s.py", "pkg1", f"../{outside.name}/", "helper.py", "-", "--a", "-", "-b", "c")
    assert ast.literal_eval(out) == ["s.py", "--a", "-", "-b", "c"]


@pytest.mark.parametrize("args", [[], ["-"]])
def test_a_script_without_parameters_sees_its_own_path_only(command: Command, args: list[str]) -> None:
    command.write("s.py", ARGUMENTS)
    assert ast.literal_eval(command.output("s.py", *args)) == ["s.py"]


def test_parameters_look_as_they_were_given(command: Command) -> None:
    command.write("s.py", ARGUMENTS)
    params = ["--help", "--version", "", "a b", "-p", "x", "--"]
    assert ast.literal_eval(command.output("s.py", "-", *params)) == ["s.py", *params]


def test_options_may_stand_between_script_and_packages(command: Command) -> None:
    command.write("s.py", ARGUMENTS)
    command.write("helper.py", "")
    out = command.output("-p", "1", "s.py", "-Dpipeline.name=x", "helper.py", "-p", "2", "-", "y")
    assert ast.literal_eval(out) == ["s.py", "y"]


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["s.py", "--help"]])
def test_help_shows_the_grammar_and_examples(command: Command, args: list[str]) -> None:
    out = command.output(*args, COLUMNS="80")
    assert "pyflink-stream [OPTIONS] SCRIPT [PACKAGE ...] [- PARAM ...]" in out
    assert "pyflink-stream examples/word_count.py\n" in out


def test_version(command: Command) -> None:
    assert command.output("--version") == f"pyflink-stream {pyflink_stream.__version__}\n"


@pytest.mark.parametrize("args", [[], ["-"], ["-", "x"], ["-p", "2"]])
def test_without_a_script_the_usage_is_shown(quick: CommandHere, args: list[str]) -> None:
    done = quick.run(*args, COLUMNS="80")
    assert (done.returncode, done.stdout) == (2, "")
    error, usage, *_ = done.stderr.splitlines()
    assert error == "Error: the SCRIPT to run is missing"
    assert usage == "Usage: pyflink-stream [OPTIONS] SCRIPT [PACKAGE ...] [- PARAM ...]"


@pytest.mark.parametrize("option", ["--input", "-input"])
def test_an_option_of_the_scripts_before_the_dash_is_shown_behind_it(quick: CommandHere, option: str) -> None:
    quick.write("s.py", ARGUMENTS)
    done = quick.run("-v", "s.py", option, "a b")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {option} is not an option of pyflink-stream; a parameter of the script comes after a bare '-':\n"
        f"  pyflink-stream -v s.py - {option} 'a b'\n"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sys.argv[1]", "IndexError: list index out of range. {}"),
        ("source, target = sys.argv[1:]", "ValueError: not enough values to unpack (expected 2, got 0). {}"),
        (
            "ParameterTool.from_args(sys.argv[1:]).get_required('input')",
            "ValueError: The parameter --input is missing. {}",
        ),
        ("sys.exit('usage: s.py INPUT')", "usage: s.py INPUT\nNote: {}"),
        ("argparse.ArgumentParser().parse_args(sys.argv[1:] or ['x'])", "Note: {}"),
    ],
)
@pytest.mark.parametrize("parameter", ["logs", "words.txt"])
def test_a_parameter_that_became_a_package_gets_a_hint_at_the_dash(
    quick: CommandHere, line: str, said: str, parameter: str
) -> None:
    imports = "import argparse, sys\nimport helper\nfrom org.apache.flink.api.java.utils import ParameterTool\n"
    quick.write("s.py", f"{imports}def main(factory):\n    {line}\n")
    for name in ("logs/today.log", "words.txt", "helper.py"):
        quick.write(name, "")
    done = quick.run("s.py", "helper.py", parameter)
    advice = f"{parameter} was taken as a PACKAGE; a parameter of the script comes after a bare '-'"
    assert done.returncode != 0
    assert said.format(f"{advice}: s.py helper.py - {parameter}\n") in f"{done.stderr}\n"


def test_a_script_without_parameters_gets_a_hint_at_the_dash(quick: CommandHere) -> None:
    quick.write("s.py", "import sys\ndef main(factory):\n    sys.argv[1]\n")
    advice = "The script was given no parameters; they come after a bare '-': s.py - PARAM"
    assert quick.run("s.py").stderr.startswith(f"IndexError: list index out of range. {advice}\n")
    quick.write("s.py", "import sys\ndef main(factory):\n    sys.argv[2]\n")
    assert "bare '-'" not in quick.run("s.py", "-", "logs").stderr


@pytest.mark.parametrize(
    "line",
    ["[].pop()", "sys.exit(0)", "import logs; sys.exit(3)", "pkgutil.get_data(__name__, 'words.txt'); sys.exit(3)"],
)
def test_other_failures_are_not_blamed_on_packages(quick: CommandHere, line: str) -> None:
    quick.write("s.py", f"import pkgutil, sys\ndef main(factory):\n    {line}\n")
    quick.write("logs/__init__.py", "")
    quick.write("words.txt", "")
    package = "words.txt" if "words" in line else "logs"
    assert "PACKAGE" not in quick.run("s.py", package).stderr


def test_a_missing_script_is_named(quick: CommandHere) -> None:
    done = quick.run("gone/nowhere.py")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "Error: gone/nowhere.py: no such script\n")


def test_a_directory_is_no_script(quick: CommandHere) -> None:
    done = quick.run(".")
    assert (done.returncode, done.stderr) == (2, "Error: .: a directory, not a script\n")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("", "'': no such script"),
        ("pipe", "pipe: not a file: a script is read again in each worker"),
        ("job.jar", "job.jar: an archive, not a script: name the script first, and archives with what it imports"),
        ("job.zip", "job.zip: an archive, not a script"),
    ],
)
def test_what_can_be_no_script_is_refused(quick: CommandHere, script: str, message: str) -> None:
    os.mkfifo(quick.directory / "pipe")
    for name in ("job.jar", "job.zip"):
        quick.write(name, "PK")
    done = quick.run(script)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"Error: {message}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_script_that_may_not_be_read_is_refused(quick: CommandHere) -> None:
    quick.write("s.py", "").chmod(0)
    done = quick.run("s.py")
    assert (done.returncode, done.stderr) == (2, "Error: s.py: cannot be read: Permission denied\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-p"], "-p needs a value: -p N"),
        (["s.py", "--progress"], "--progress needs a value: --progress auto|always|never"),
        (["--check=1", "s.py"], "--check takes no value"),
        (["-p", "many", "s.py"], "-p many: give a whole number from 1 to 32768, or auto"),
        (["-p", "0", "s.py"], "-p 0: give a whole number from 1 to 32768, or auto"),
        (["-D", "parallelism.default", "s.py"], "-D parallelism.default: give KEY=VALUE"),
        (["-D", "=2", "s.py"], "-D =2: give KEY=VALUE"),
        (["-D", "pipeline.end-of-input=no", "s.py"], "-D pipeline.end-of-input=no: give fire or drop"),
        (["--explain=svg", "s.py"], "--explain=svg: give text, json, dot or mermaid"),
        (["--paralelism", "2", "s.py"], "--paralelism is not an option of pyflink-stream; did you mean --parallelism?"),
        (["-c", "gone", "s.py"], "-c gone: no such directory"),
        (["-c", "s.py", "s.py"], "-c s.py: not a directory"),
        (["-c", "", "s.py"], "-c '': no such directory"),
        (["--savepoint", "", "s.py"], "--savepoint '': give a directory"),
        (["--stop-with-savepoint", "", "s.py"], "--stop-with-savepoint '': give a directory"),
        (["--log-file", "", "s.py"], "--log-file '': cannot be written to: "),
        (["s.py", ""], "'': no such package; a parameter of the script comes after a bare '-': s.py - ''"),
        (["--traceback", "none", "s.py"], "--traceback none: give user or full"),
        (["s.py", "s.zip"], "{directory}/s.zip: not a zip archive, though its name says so"),
        (["s.py", "a/helper.py", "b/helper.py"], "{directory}/b/helper.py: the name 'helper' is taken already, by"),
        (["s.py", "--", "-x"], "-x: no such package; a parameter of the script comes after a bare '-': s.py - -x"),
    ],
)
def test_a_wrong_argument_is_one_message_and_nothing_is_run(quick: CommandHere, args: list[str], message: str) -> None:
    quick.write("s.py", "print('imported')")
    for name in ("s.zip", "a/helper.py", "b/helper.py"):
        quick.write(name, "")
    done = quick.run(*args)
    assert (done.returncode, done.stdout) == (2, "")
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert [error.startswith(f"Error: {message.format(directory=quick.directory)}") for error in errors] == [True]
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_a_working_directory_that_is_gone_is_told(command: Command, tmp_path: Path) -> None:
    command.write("s.py", ARGUMENTS)
    gone = tmp_path / "gone"
    gone.mkdir()
    launcher = Path(pyflink_stream.__file__).with_name("__main__.py")
    run = f"cd {gone} && rmdir {gone} && exec {sys.executable} {launcher} {command.directory / 's.py'}"
    done = command.run(popen={"args": ["sh", "-c", run]})
    assert (done.returncode, done.stderr) == (
        2,
        "Error: the working directory is no longer there: change to another\n",
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_job_runs_without_standard_streams(command: Command, closed: str) -> None:
    command.write(
        "s.py",
        """
        import sys
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1, 2).map(lambda value: print(value, file=sys.stderr) or value).write_as_text("out")
            env.from_elements(1, 2).output()
            env.execute()
        """,
    )
    run = f"exec {shlex.join(command.words('-p', 2, 's.py'))} {closed}"
    done = command.run(popen={"args": ["sh", "-c", run]})
    assert done.returncode == 0
    lines = [line for file in (command.directory / "out").iterdir() for line in file.read_text().splitlines()]
    assert sorted(lines) == ["1", "2"]


def test_a_missing_package_is_named_and_nothing_is_run(quick: CommandHere) -> None:
    quick.write("s.py", "print('imported')")
    done = quick.run("s.py", "1000")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: 1000: no such package")


@pytest.mark.parametrize(
    ("statement", "status", "err"),
    [
        ("sys.exit()", 0, ""),
        ("sys.exit(0)", 0, ""),
        ("sys.exit(7)", 7, ""),
        ("sys.exit('no input')", 1, "no input\n"),
        ("raise KeyboardInterrupt", 130, ""),
    ],
)
def test_the_script_decides_its_exit_status(command: Command, statement: str, status: int, err: str) -> None:
    command.write("s.py", f"import sys\ndef main(factory):\n    {statement}\n")
    done = command.run("s.py")
    assert (done.returncode, done.stderr) == (status, err)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_main_and_runs_its_cleanup(command: Command, number: signal.Signals, status: int) -> None:
    command.write(
        "s.py",
        """
        import sys, threading
        def main(factory):
            try:
                print("waiting", flush=True)
                threading.Event().wait(60)
            finally:
                print("cleaned up", flush=True)
        """,
    )
    process = command.start("s.py")
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (status, "cleaned up\n", "")


@pytest.mark.parametrize("arguments", [("missing.py",), ("--no-such-option", "s.py"), ("-c", "gone", "s.py")])
@pytest.mark.parametrize("where", ["full", "without a reader", "closed"])
def test_a_wrong_command_line_is_one_whether_or_not_that_can_be_said(
    command: Command, where: str, arguments: tuple[str, ...]
) -> None:
    command.write("s.py", "def main(factory): pass\n")
    redirections = {"full": "2>/dev/full", "closed": "2>&-", "without a reader": ""}
    if where == "full" and not os.path.exists("/dev/full"):
        pytest.skip("there is no device that is always full")
    reader, writer = os.pipe()
    os.close(reader)
    line = f"{shlex.join(command.words(*arguments))} {redirections[where]}"
    done = command.run(popen={"args": ["sh", "-c", line], "stderr": writer})
    os.close(writer)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_a_failure_that_cannot_be_told_is_one(command: Command) -> None:
    command.write("s.py", "def main(factory): raise ValueError\n")
    with open("/dev/full", "w") as full:
        done = command.run("s.py", popen={"stderr": full})
    assert done.returncode == 1
