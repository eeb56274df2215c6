"""What a person reads when the script itself fails: the script's own frames and nothing of ours."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

from pyflink_stream import python2

if TYPE_CHECKING:
    from pathlib import Path

    from here import CommandHere
    from launched import Command

pytestmark = pytest.mark.usefixtures("patient")


def failure(quick: CommandHere, *args: str) -> str:
    """The standard error of a run that must fail in the script."""
    done = quick.run(*args)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pyflink_stream/" not in done.stderr
    assert "stream_engine/" not in done.stderr
    assert "importlib" not in done.stderr
    return done.stderr


def test_an_exception_in_main_shows_the_users_frames_only(quick: CommandHere) -> None:
    script = quick.write(
        "s.py",
        """
        def inner():
            return {}["key"]
        def main(factory):
            inner()
        """,
    )
    lines = failure(quick, "s.py").splitlines()
    assert lines[0] == "KeyError: 'key'"
    frames = [line.strip() for line in lines if line.startswith("  File ")]
    assert frames == [f'File "{script}", line 4, in main', f'File "{script}", line 2, in inner']
    assert "Traceback" not in lines


def test_an_exception_while_importing_shows_the_users_frames_only(quick: CommandHere) -> None:
    quick.write("helper.py", "1 / 0\n")
    quick.write("s.py", "import helper\n")
    err = failure(quick, "s.py", "helper.py")
    assert err.count("  File ") == 2
    assert err.startswith("ZeroDivisionError: division by zero\n")


def test_the_cause_of_an_exception_is_shown_too(quick: CommandHere) -> None:
    quick.write(
        "s.py",
        """
        def main(factory):
            try:
                1 / 0
            except ArithmeticError as error:
                raise RuntimeError("no ratio") from error
        """,
    )
    err = failure(quick, "s.py")
    assert err.startswith("RuntimeError: no ratio\n  File ")
    assert "\ncaused by ZeroDivisionError: division by zero\n  File " in err


def test_a_module_in_a_package_is_not_looked_for_elsewhere(quick: CommandHere) -> None:
    quick.write("lib/rates.py", "EUR = 1")
    quick.write("s.py", "import rates\ndef main(factory):\n    pass\n")
    done = quick.run("s.py", "./lib/")
    first, *_ = done.stderr.splitlines()
    assert done.returncode == 1
    assert first == (
        "ModuleNotFoundError: No module named 'rates'. "
        "It is in the package lib: import lib.rates, or name ./lib/rates.py as a PACKAGE"
    )
    quick.write("s.py", "import lib.rates\ndef main(factory):\n    print(lib.rates.EUR)\n")
    assert quick.run("s.py", "./lib/").stdout == "1\n"


def test_a_missing_module_is_the_scripts_error(quick: CommandHere) -> None:
    quick.write("s.py", "import no_such_module\n")
    assert failure(quick, "s.py").startswith("ModuleNotFoundError: No module named 'no_such_module'. Install it with ")


@pytest.mark.parametrize("text", ["", "main = 1\n", "def Main(factory): pass\n"])
def test_a_script_without_main_says_what_is_missing(quick: CommandHere, text: str) -> None:
    quick.write("s.py", text)
    err = failure(quick, "s.py")
    assert err == "Error: s.py defines no main(factory), the function that a streaming program begins with\n"


def test_a_main_with_too_many_parameters_is_named(quick: CommandHere) -> None:
    quick.write("s.py", "\ndef main(factory, more): pass\n")
    assert failure(quick, "s.py") == "Error: s.py:1: main must take one argument, the environment factory\n"


def test_a_job_that_failed_shows_its_message_and_where_it_was_started(quick: CommandHere) -> None:
    script = quick.write(
        "s.py",
        """
        from stream_engine.job import JobExecutionException
        def main(factory):
            raise JobExecutionException("Map (2/4) failed:\\n  record 7")
        """,
    )
    err = failure(quick, "s.py")
    assert err.startswith("Map (2/4) failed:\n  record 7\n\nThe script started this job here:\n")
    assert f'File "{script}", line 3, in main' in err
    assert "Traceback" not in err


def test_a_name_of_the_scripts_cannot_command_the_terminal(quick: CommandHere) -> None:
    quick.write(
        "s.py",
        r"""
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("\x1b[31m").map(lambda value: value / 0).name("a\x1b[2Jb").output()
            env.execute()
        """,
    )
    report = quick.run("s.py").stderr
    assert "\x1b" not in report
    assert "in operator 'a [2Jb' (subtask 1 of 1" in report
    plan = quick.output("--explain", "s.py")
    assert "\x1b" not in plan
    assert "  a [2Jb  " in plan


def test_a_full_traceback_shows_the_frames_of_the_engine_too(quick: CommandHere) -> None:
    script = quick.write(
        "s.py",
        """
        def invert(value):
            return 1 / value
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(0).map(invert).output()
            env.execute()
        """,
    )
    users = quick.run("s.py", "--traceback", "user").stderr
    assert users == quick.run("s.py").stderr
    everything = quick.run("s.py", "--traceback=full").stderr
    assert everything.startswith(users)
    for place in ("worker/process.py", "pyflink_stream/launcher.py", "<chain "):
        assert place not in users
        assert place in everything
    in_the_worker = everything[everything.index("Full traceback in the worker:") : everything.index("Where the script")]
    assert f'File "{script}", line 2, in invert' in in_the_worker


def test_a_full_traceback_of_main_shows_what_led_to_it(quick: CommandHere) -> None:
    quick.write(
        "s.py",
        """
        import threading
        def main(factory):
            lock = threading.Lock()
            factory.get_execution_environment().from_elements(0).map(lambda value: lock)
        """,
    )
    assert "cloudpickle" not in quick.run("s.py").stderr
    everything = quick.run("s.py", "--traceback=full").stderr
    # Older versions have it in cloudpickle_fast.py.
    assert "/cloudpickle/cloudpickle" in everything
    assert "capture/snapshot.py" in everything


def test_a_syntax_error_is_shown_as_python_shows_it(quick: CommandHere) -> None:
    script = quick.write("s.py", "def main(factory):\n    foo(a b)\n")
    err = failure(quick, "s.py")
    assert err.startswith("SyntaxError: invalid syntax")
    assert f'\n  File "{script}", line 2\n    foo(a b)\n' in err
    assert "Python 2" not in err


@pytest.mark.parametrize("module", ["s.py", "helper.py"])
def test_a_file_that_is_no_source_is_named(quick: CommandHere, module: str) -> None:
    quick.write("s.py", "import helper\n")
    quick.write("helper.py", "")
    path = quick.write(module, "\0\1\2")
    assert failure(quick, "s.py", "helper.py").startswith(f"SyntaxError: {path} is not Python source: ")


def test_a_python_2_script_is_recognised(quick: CommandHere) -> None:
    script = quick.write("s.py", "def main(factory):\n    print 'hello'\n")
    err = failure(quick, "s.py")
    assert err.startswith(
        f"This is Python 2, in line 2 of {script}: print is a function in Python 3. Python 3: print('hello')\n"
        f"All that has to change is listed by: pyflink-stream --check {script}\n"
        f"  File \"{script}\", line 2\n    print 'hello'\n"
    )


def test_a_python_2_package_is_recognised(quick: CommandHere) -> None:
    quick.write("s.py", "import helper\n")
    helper = quick.write("helper.py", "x = 0777\n")
    err = failure(quick, "s.py", "helper.py")
    assert f"This is Python 2, in line 1 of {helper}: an octal number begins with 0o" in err
    assert f"--check {helper}\n" in err


@pytest.mark.parametrize(
    ("python2_line", "python3_line"),
    [
        ('print "hello %s" % x', 'print("hello %s" % x)'),
        ('print "%d" % (x)', 'print("%d" % (x))'),
        ("print a, b,", 'print(a, b, end=" ")'),
        ('if x: print "y"; z = 1', 'print("y")'),
        ("exec code", "exec(code)"),
        ("exec code in names", "exec(code, names)"),
        ('raise ValueError, "no"', 'raise ValueError("no")'),
        ('raise ValueError, "no", tb', 'raise ValueError("no").with_traceback(tb)'),
        ("if a <> b: pass", "!="),
        ("y = `x`", "repr(x)"),
        ("m = 0777", "0o777"),
        ("n = 10L", "10"),
        ("u = ur'abc'", "r'abc'"),
        (
            "d.map(lambda (k, v): k).filter(f)",
            "take one parameter and index it, or write a def that begins with: k, v = pair",
        ),
        ("def f(a, (b, c)): pass", "take one parameter and begin the body with: b, c = pair"),
    ],
)
def test_each_habit_of_python_2_is_given_in_python_3(tmp_path: Path, python2_line: str, python3_line: str) -> None:
    first, _ = explain(tmp_path, f"x = 1\n{python2_line}\n")
    assert "in line 2 of" in first
    assert first.endswith(f". Python 3: {python3_line}")


def test_several_habits_in_one_line_are_all_listed(tmp_path: Path) -> None:
    *lines, _ = explain(tmp_path, "try:\n    pass\nexcept (A, B), e: print e\n")
    assert [line.partition(". Python 3: ")[2] for line in lines] == [
        "except (A, B) as e:",
        "print(e)",
    ]


def test_tabs_mixed_with_blanks_are_python_2(tmp_path: Path) -> None:
    first, _ = explain(tmp_path, "if x:\n        a = 1\n\tb = 2\n")
    assert "in line 3 of" in first
    assert "tabs and spaces are mixed in the indentation" in first


@pytest.mark.parametrize("line", ["foo(a b)", 'foo("0777" 3)', "def 0x(: pass", "x = = '`a`'", "x ="])
def test_other_mistakes_are_not_called_python_2(tmp_path: Path, line: str) -> None:
    assert explain(tmp_path, line + "\n") == []


def explain(directory: Path, source: str) -> list[str]:
    file = directory / "s.py"
    file.write_text(source, encoding="utf-8")
    with pytest.raises(SyntaxError) as raised:
        compile(source, str(file), "exec")
    return python2.explain(raised.value)


def on_a_terminal(command: Command, *args: str) -> tuple[int, str]:
    """The exit status and what a terminal is sent."""
    leader, follower = pty.openpty()
    streams = {"stdout": subprocess.DEVNULL, "stderr": follower}
    process = command.start(*args, popen=streams, TERM="xterm-256color", NO_COLOR="")
    os.close(follower)
    shown = b""
    while True:
        try:
            data = os.read(leader, 10_000)
        except OSError:  # How Linux says that the other end is closed.
            data = b""
        if not data:
            break
        shown += data
    os.close(leader)
    return process.wait(timeout=PATIENCE), shown.decode()


def test_a_terminal_gets_colours_and_a_pipe_does_not(command: Command) -> None:
    status, shown = on_a_terminal(command, "gone.py")
    assert status == 2
    assert "gone.py: no such script" in shown
    assert "\x1b[" in shown
    assert "\x1b[" not in command.run("gone.py").stderr


def test_a_report_on_a_terminal_is_the_same_in_colours(command: Command) -> None:
    command.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("0").map(lambda value: 1 / int(value)).output()
            env.execute()
        """,
    )
    status, shown = on_a_terminal(command, "s.py")
    assert status == 1
    assert "\x1b[1;31mZeroDivisionError: division by zero\x1b[0m" in shown
    source = next(line for line in shown.splitlines() if "from_elements" in line)
    assert source.count("\x1b[") > 4
    # Where the job takes a while, the view of its progress has been there, and has gone.
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r\n", "\n")
    _, outcome, report = plain.partition("Flink Streaming Job failed: 1 record in, 0 out, ")
    assert outcome
    report = report.partition("\n")[2]
    assert report == command.run("s.py").stderr
