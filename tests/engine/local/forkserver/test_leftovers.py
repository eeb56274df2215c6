"""However a run ends, nothing that its functions have started is left running, unless it is a daemon by intention."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from launched import GROUP, PATIENCE, kill_quietly, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from launched import Command, Launcher

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by way of /proc")

MARK = "RUN_OF_A_TEST"
# What these functions do never ends by itself.
SHORT = ("-D", "task.cancellation.timeout=1 s")
# Functions with processes of an executor and of a shell, which nobody ends. Says when all of them run.
SCRIPT = """
    import multiprocessing, os, re, signal, subprocess, sys, time
    from concurrent.futures import ProcessPoolExecutor
    from org.apache.flink.api.common.functions import RichMapFunction

    def fork_and_stay():
        if os.fork() == 0:
            time.sleep(1000)
            os._exit(0)

    class Starting(RichMapFunction):
        def open(self, config):
            self.executor = ProcessPoolExecutor(2)
            self.executor.submit(pow, 2, 3).result()
            self.process = multiprocessing.Process(target=time.sleep, args=(1000,), daemon=True)
            self.process.start()
            subprocess.Popen(["sh", "-c", "trap '' TERM HUP INT; sleep 1000; sleep 1000"])
            if "daemon" in sys.argv:
                subprocess.Popen(["sleep", "1000"], start_new_session=True)
        def map(self, number):
            with open("workers", "a") as file:
                print(os.getpid(), file=file)
            if "fail" in sys.argv:
                raise ValueError("on purpose")
            if "sleep" in sys.argv:
                time.sleep(1000)
            if "hog" in sys.argv:
                # Never lets another thread of the process run.
                re.match(r"(a|a)+$", "a" * 60 + "b")
            return number

    def main(factory):
        env = factory.get_execution_environment()
        env.generate_sequence(1, 2).map(Starting()).output()
        if "fork" in sys.argv:
            import threading
            def fork():
                while not os.path.exists("workers"):
                    time.sleep(0.01)
                fork_and_stay()
                open("forked", "w").close()
            threading.Thread(target=fork, daemon=True).start()
        env.execute()
"""


class Run:
    """The command on SCRIPT, its processes marked."""

    def __init__(self, command: Command, *params: str, popen: Mapping[str, Any] = GROUP) -> None:
        self._directory = command.directory
        script = command.write("program.py", SCRIPT)
        self._mark = f"{MARK}={self._directory}".encode()
        mark = {MARK: str(self._directory)}
        self.process = command.start("-p", 2, *SHORT, script, "-", *params, popen=popen, **mark)

    def processes(self) -> dict[int, str]:
        """The command lines of its processes."""
        found: dict[int, str] = {}
        for entry in os.listdir("/proc"):
            if entry.isdecimal():
                try:
                    # Empty of one that has ended and that nobody has looked at.
                    if self._mark in Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                        found[int(entry)] = Path("/proc", entry, "cmdline").read_text().replace("\0", " ")
                except OSError:
                    continue
        return found

    def workers(self) -> list[int]:
        """Those that have begun with a record."""
        path = self._directory / "workers"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def server(self) -> int:
        return next(pid for pid, line in self.processes().items() if "forkserver" in line and pid not in self.forked())

    def forked(self) -> set[int]:
        """The workers and what they have forked."""
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=True)
        return set(self.processes()) - set(map(int, listed.stdout.split()))

    def left(self) -> dict[int, str]:
        """What is left of it after a while."""
        wait_until(lambda: not self.processes())
        return self.processes()

    def end(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        kill_quietly(self.process)


def begun(command: Command, *params: str) -> Run:
    run = Run(command, *params)
    if not wait_until(lambda: len(run.workers()) == 2):
        run.end()
        pytest.fail("its functions have not begun")
    return run


@pytest.mark.parametrize(("params", "status"), [([], 0), (["fail"], 1)])
def test_a_run_that_ends_by_itself_leaves_no_process(command: Command, params: list[str], status: int) -> None:
    run = Run(command, *params)
    try:
        _, err = run.process.communicate(timeout=PATIENCE)
        assert run.processes() == {}, err
        assert run.process.returncode == status, err
    finally:
        run.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("group", [False, True])
def test_a_run_that_a_signal_ends_leaves_no_process(command: Command, number: signal.Signals, group: bool) -> None:
    run = begun(command, "sleep")
    try:
        (os.killpg if group else os.kill)(run.process.pid, number)
        _, err = run.process.communicate(timeout=PATIENCE)
        assert run.process.returncode in (128 + number, -number), err
        assert run.left() == {}
    finally:
        run.end()


@pytest.mark.parametrize("victim", ["worker", "launcher", "server", "launcher and server"])
@pytest.mark.parametrize("busy", ["sleep", "hog"])
def test_a_run_of_which_a_process_is_killed_leaves_no_process(command: Command, victim: str, busy: str) -> None:
    if busy == "hog" and sys.platform != "linux":
        pytest.skip("only Linux ends what can run no Python code")
    run = begun(command, busy)
    try:
        server = run.server()
        pids = {"worker": run.workers()[:1], "launcher": [run.process.pid], "server": [server]}
        for pid in pids.get(victim, [run.process.pid, server]):
            os.kill(pid, signal.SIGKILL)
        _, err = run.process.communicate(timeout=PATIENCE)
        assert run.left() == {}, err
    finally:
        run.end()


def test_workers_end_with_a_launcher_whose_script_has_forked_meanwhile(command: Command) -> None:
    run = begun(command, "sleep", "fork")
    try:
        assert wait_until((command.directory / "forked").exists)
        server = run.server()
        run.process.kill()
        run.process.wait()
        wait_until(lambda: len(run.processes()) == 1)
        (left,) = run.processes()
        assert left not in (server, *run.workers())
    finally:
        run.end()


def test_a_daemon_that_a_function_starts_is_left_alone(command: Command) -> None:
    run = Run(command, "daemon")
    try:
        run.process.wait(PATIENCE)
        # The fork server outlives the command for as long as what ignores SIGTERM may take.
        wait_until(lambda: len(run.processes()) == 2)
        assert list(run.processes().values()) == ["sleep 1000 "] * 2
    finally:
        run.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_the_fork_server_is_stopped_ends_the_run(command: Command, number: signal.Signals) -> None:
    run = begun(command, "sleep")
    try:
        os.kill(run.server(), signal.SIGSTOP)
        run.process.send_signal(number)
        _, err = run.process.communicate(timeout=PATIENCE)
        assert run.process.returncode == 128 + number
        # They sleep for longer than they may.
        assert err.count(" did not stop within 1 s, and is killed.\n") == err.count("While stopping the job: ") == 2
        assert run.left() == {}
    finally:
        run.end()


def test_what_a_function_forks_ends_when_it_is_told_to(launcher: Launcher) -> None:
    lines = launcher.lines(
        """
        import multiprocessing, time
        def end(seconds):
            process = multiprocessing.Process(target=time.sleep, args=(seconds,))
            process.start()
            process.terminate()
            process.join()
            return process.exitcode
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1000).map(end).output()
            env.execute()
        """
    )
    assert lines == [str(-signal.SIGTERM)]


def test_exit_handlers_of_functions_run_and_what_does_not_end_is_killed(launcher: Launcher) -> None:
    done = launcher.run(
        """
        import atexit, threading, time
        def register(record):
            atexit.register(print, "exit handler")
            threading.Thread(target=time.sleep, args=(record,)).start()
            return record
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(0).map(register).output()
            env.execute()
            env = factory.get_execution_environment()
            env.from_elements(1000).map(register).output()
            env.execute()
        """
    )
    assert (done.code, done.lines) == (0, ["0", "exit handler", "1000"])
    assert done.err == "Worker 1 was killed: threads or exit handlers of its functions did not end within 1.5 s.\n"


def test_ctrl_z_stops_workers_too_and_they_continue_with_the_run(command: Command) -> None:
    # A group of its own in this session, as a shell makes it; where there is none the system ignores Ctrl-Z.
    run = Run(command, "sleep", popen={"preexec_fn": os.setpgrp})
    try:
        assert wait_until(lambda: len(run.workers()) == 2)
        for number, stopped in ((signal.SIGTSTP, True), (signal.SIGCONT, False), (signal.SIGTSTP, True)):
            os.killpg(run.process.pid, number)
            assert wait_until(lambda expected=stopped: {is_stopped(pid) for pid in run.workers()} == {expected})
        os.killpg(run.process.pid, signal.SIGCONT)
        run.process.terminate()
        _, err = run.process.communicate(timeout=PATIENCE)
        assert run.process.returncode == 143, err
    finally:
        run.end()


def is_stopped(pid: int) -> bool:
    return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] == "T"
