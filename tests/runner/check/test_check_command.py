"""``--check`` through the real command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from here import CommandHere
    from launched import Command

OLD = """
    open("was_run", "w").close()
    def main(factory):
        counts = {}
        if not counts.has_key("a"):
            print "none"
"""
NEW = """
    open("was_run", "w").close()
    def main(factory):
        print("some")
"""
# Run by the interpreter before anything else: tells when the module of the fork server is imported.
TRIPWIRE = """
    import sys
    def tell(event, args):
        if event == "import" and args[0] == "stream_engine.local.forkserver.client":
            sys.stderr.write("fork server\\n")
    sys.addaudithook(tell)
"""


def test_what_is_python_2_is_listed_on_standard_output_and_nothing_is_run(command: Command) -> None:
    command.write("s.py", OLD)
    done = command.run("--check", "s.py", "-", "--anything")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "s.py:4:19: dicts have no has_key [has-key]",
        '    if not counts.has_key("a"):',
        "    Python 3: 'a' in counts",
        "",
        "s.py:5:9: print is a function in Python 3 [print-statement]",
        '    print "none"',
        '    Python 3: print("none")',
        "",
        "2 places to change; nothing was run.",
    ]
    assert os.listdir(command.directory) == ["s.py"]


def test_a_script_of_python_3_has_nothing_to_change(quick: CommandHere) -> None:
    quick.write("s.py", NEW)
    assert quick.output("s.py", "--check") == "Nothing of Python 2 was found.\n"
    assert os.listdir(quick.directory) == ["s.py"]


def test_packages_that_are_source_are_checked_too(quick: CommandHere) -> None:
    quick.write("jobs/s.py", NEW)
    quick.write("lib/pricing/rates.py", "x = 0777\n")
    quick.write("lib/helper.py", "x = 10L\n")
    beside = quick.write("jobs/beside.py", "x <> y\n")
    quick.write("lib/rates.csv", "print x\n")
    done = quick.run("--check", "jobs/s.py", "lib/pricing", "lib/helper.py", "beside.py", "lib/rates.csv")
    assert done.returncode == 1
    places = [line.partition(" ")[0] for line in done.stdout.splitlines() if line.endswith("]")]
    assert places == ["lib/pricing/rates.py:1:5:", "lib/helper.py:1:5:", f"{beside}:1:3:"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["gone.py"], "gone.py: no such script"),
        (["."], ".: a directory, not a script"),
        (["s.py", "gone"], "gone: no such package"),
    ],
)
def test_a_file_that_is_not_there_is_a_usage_error(quick: CommandHere, args: list[str], message: str) -> None:
    quick.write("s.py", OLD)
    done = quick.run("--check", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {message}")


def test_without_a_script_the_usage_is_shown(quick: CommandHere) -> None:
    done = quick.run("--check")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: the SCRIPT to run is missing" in done.stderr


def test_a_check_starts_no_fork_server(command: Command) -> None:
    command.write("s.py", NEW)
    command.write("forkserver/sitecustomize.py", TRIPWIRE)
    path = os.pathsep.join([str(command.directory / "forkserver"), command.environment["PYTHONPATH"]])
    assert command.run("s.py", PYTHONPATH=path).stderr.startswith("fork server\n")
    assert command.run("--check", "s.py", PYTHONPATH=path).stderr == ""


def test_a_script_in_one_of_its_packages_is_counted_once(quick: CommandHere) -> None:
    quick.write("lib/job.py", "print 1\n")
    quick.write("lib/other.py", "print 2\n")
    done = quick.run("--check", "lib/job.py", "lib")
    assert done.returncode == 1
    assert done.stdout.endswith("2 places to change in 2 files; nothing was run.\n")
