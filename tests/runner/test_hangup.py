"""SIGHUP, as when the terminal or the connection closes, stops a run as SIGTERM does, unless it is ignored."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, wait_until

if TYPE_CHECKING:
    from launched import Command

# Endless: what its sink is given it holds back for a while.
SCRIPT = """
    import os, sys, time
    from org.apache.flink.api.common.functions import RichMapFunction

    class Closing(RichMapFunction):
        def map(self, number):
            if number < 5:
                open(f"saw{number}", "w").close()
            return number
        def close(self):
            while "twice" in sys.argv and not os.path.exists("sent"):
                time.sleep(0.01)
            open("closed", "w").close()

    def numbers():
        for number in range(5):
            yield number
        while not os.path.exists("enough"):
            time.sleep(0.01)
            with open("ticks", "a") as file:
                file.write(".")
            yield 5

    def main(factory):
        if "early" in sys.argv:
            open("early", "w").close()
            time.sleep(1000)
        env = factory.get_execution_environment()
        stream = env.from_collection(numbers()).map(Closing())
        stream.write_as_text("output")
        if "talkative" in sys.argv:
            stream.map(lambda number: "still here").output()
        env.execute()
        open("executed", "w").close()
        if "late" in sys.argv:
            time.sleep(1000)
"""


def has(command: Command, name: str) -> bool:
    return (command.directory / name).exists()


def ticks(command: Command) -> int:
    path = command.directory / "ticks"
    return path.stat().st_size if path.exists() else 0


def has_begun(command: Command) -> bool:
    return all(has(command, f"saw{number}") for number in range(5))


@pytest.mark.parametrize("options", [[], ["-p", "2"], ["--local-debug"]])
def test_sighup_writes_what_was_held_back_and_closes_functions(command: Command, options: list[str]) -> None:
    command.write("s.py", SCRIPT)
    temporary = command.directory / "tmp"
    temporary.mkdir()
    checkpoints = [] if options == ["--local-debug"] else ["-D", "execution.checkpointing.interval=50"]
    process = command.start(*options, *checkpoints, "s.py", "-", "twice", TMPDIR=str(temporary))
    assert wait_until(lambda: has_begun(command))
    # As shells and the system do it. The second one comes before all has been done for the first.
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    command.write("sent", "")
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in err) == (129, False), err
    assert has(command, "closed")
    assert not has(command, "executed")
    output = command.directory / "output"
    files = [output] if output.is_file() else list(output.iterdir())
    assert {line for file in files for line in file.read_text().splitlines()} >= set("01234")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("place", ["early", "late"])
@pytest.mark.parametrize("options", [[], ["--local-debug"]])
def test_sighup_ends_a_script_whose_job_is_not_running(command: Command, place: str, options: list[str]) -> None:
    command.write("s.py", SCRIPT)
    command.write("enough", "")
    process = command.start(*options, "s.py", "-", place)
    assert wait_until(lambda: has(command, "early" if place == "early" else "executed"))
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (129, "")


def test_with_stop_with_savepoint_sighup_takes_one(command: Command) -> None:
    slow = "env.generate_sequence(0, 10**12).map(lambda number: time.sleep(0.001) or number)"
    command.write("s.py", SCRIPT.replace("env.from_collection(numbers())", slow))
    process = command.start("--stop-with-savepoint", "savepoints", "s.py")
    assert wait_until(lambda: has_begun(command))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert err.splitlines()[-1].startswith("Savepoint: ")


def without_sighup(words: list[str]) -> list[str]:
    """Starts these words of a command as nohup does."""
    program = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    return [sys.executable, "-c", program, *words]


@pytest.mark.parametrize("options", [[], ["--local-debug"]])
def test_sighup_is_ignored_by_a_run_that_was_started_so(command: Command, options: list[str]) -> None:
    command.write("s.py", SCRIPT)
    words = without_sighup(command.words(*options, "s.py"))
    process = command.start(popen={"args": words})
    assert wait_until(lambda: has_begun(command))
    process.send_signal(signal.SIGHUP)
    command.write("enough", "")
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert has(command, "executed")


@pytest.mark.parametrize("told_to", ["pipe", "terminal"])
@pytest.mark.parametrize("options", [[], ["--progress", "always"], ["--local-debug"]])
@pytest.mark.parametrize("ignored", [False, True])
def test_a_terminal_that_closes_leaves_no_traceback(
    command: Command, options: list[str], ignored: bool, told_to: str
) -> None:
    command.write("s.py", SCRIPT)
    ours, theirs = pty.openpty()
    words = command.words(*options, "s.py", "-", "talkative")
    popen = {
        "args": without_sighup(words) if ignored else words,
        "stdin": theirs,
        "stdout": theirs,
        "stderr": subprocess.PIPE if told_to == "pipe" else theirs,
        "start_new_session": True,
        "preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    }
    process = command.start(popen=popen, TERM="xterm")
    os.close(theirs)
    written = b""
    while b"still here" not in written:
        written += os.read(ours, 1024)
    # The system sends SIGHUP to the leader of the terminal's session.
    os.close(ours)
    if ignored:
        # By then it has written to the terminal, more than once.
        before = ticks(command)
        assert wait_until(lambda: ticks(command) > before + 20)
        command.write("enough", "")
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in (err or "")) == (0 if ignored else 129, False), err
    assert has(command, "closed")
    assert has(command, "executed") == ignored
