"""How a running job is stopped from outside, and that nothing of it is left."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import termios
from array import array
from collections import deque
from typing import TYPE_CHECKING

import pytest
from launched import GROUP, PATIENCE, alive, kill_quietly, wait_until

if TYPE_CHECKING:
    from launched import Launcher

# Writes to the file "log" what happens to its functions.
ENDLESS = """
    import itertools, os, sys, time
    from org.apache.flink.api.common.functions import RichMapFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction

    def log(*words):
        with open("log", "a") as file:
            print(*words, file=file)

    class Ticks(SourceFunction):
        def __init__(self):
            self.running = True
        def run(self, ctx):
            while self.running:
                ctx.collect(1)
                time.sleep(1000 if "stuck" in sys.argv else 0.001)
            log("run returned")
        def cancel(self):
            self.running = False
            log("cancelled")

    class Opened(RichMapFunction):
        def open(self, config):
            self.begun = False
            log("pid", os.getpid())
        def close(self):
            log("closed")
        def map(self, value):
            if not self.begun:
                self.begun = True
                log("begun")
            if "block" in sys.argv:
                time.sleep(1000)
            return value

    def main(factory):
        env = factory.get_execution_environment()
        if "generator" in sys.argv:
            numbers = env.from_collection(number for number in itertools.count())
        else:
            numbers = env.create_python_source(Ticks())
        numbers.map(Opened()).rebalance().filter(lambda value: False).output()
        log("pid", os.getpid())
        env.execute()
        log("not reached")
"""


class Running:
    """An endless job that has begun to process records."""

    def __init__(self, launcher: Launcher, *args: str | int) -> None:
        self._log = launcher.directory / "log"
        self.process = launcher.start(ENDLESS, "-p", *args, popen=GROUP)
        if not wait_until(lambda: "begun" in self.log):
            kill_quietly(self.process)
            pytest.fail(f"{self.log}")

    @property
    def log(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    @property
    def pids(self) -> list[int]:
        return [int(line.split()[1]) for line in self.log if line.startswith("pid ")]

    def gone(self) -> bool:
        return wait_until(lambda: not any(map(alive, self.pids)))

    def end(self) -> tuple[int, str]:
        """Exit code and standard error."""
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("source", ["python", "generator"])
@pytest.mark.parametrize("group", [True, False])
def test_ctrl_c_cancels_sources_and_closes_functions(
    launcher: Launcher, source: str, group: bool, parallelism: int
) -> None:
    job = Running(launcher, parallelism, "-", source)
    try:
        (os.killpg if group else os.kill)(job.process.pid, signal.SIGINT)
        code, err = job.end()
    finally:
        kill_quietly(job.process)
    assert (code, "Traceback" in err) == (130, False), err
    assert job.log.count("closed") == parallelism
    if source == "python":
        assert job.log.count("cancelled") == job.log.count("run returned") == 1
    assert "not reached" not in job.log
    assert job.gone()


def test_sigterm_stops_a_job_in_the_same_way(launcher: Launcher) -> None:
    job = Running(launcher, 2, "-", "python")
    try:
        job.process.terminate()
        code, err = job.end()
    finally:
        kill_quietly(job.process)
    assert (code, "Traceback" in err) == (143, False), err
    assert job.log.count("cancelled") == 1
    assert job.log.count("closed") == 2
    assert job.gone()


@pytest.mark.parametrize("source", ["python", "block"])
def test_no_worker_outlives_a_killed_launcher(launcher: Launcher, source: str) -> None:
    job = Running(launcher, 2, "-", source)
    kill_quietly(job.process)
    assert job.gone()


def test_a_second_ctrl_c_kills_what_does_not_stop(launcher: Launcher) -> None:
    # Which it never would by itself.
    job = Running(launcher, 2, "-D", "task.cancellation.timeout=0", "-", "stuck")
    try:
        job.process.send_signal(signal.SIGINT)
        assert wait_until(lambda: "cancelled" in job.log)
        assert job.process.poll() is None
        # One that comes at once would be taken for the first one's echo.
        assert wait_until(lambda: ends_by(job.process, signal.SIGINT))
        code, err = job.end()
    finally:
        kill_quietly(job.process)
    assert (code, err) == (130, "")
    assert job.gone()


@pytest.mark.skipif(shutil.which("pgrep") is None, reason="the fork server is found by pgrep")
def test_workers_that_have_stopped_are_not_called_late_where_nobody_tells_of_it(launcher: Launcher) -> None:
    job = Running(launcher, 2, "-D", "task.cancellation.timeout=8 s", "-", "python")
    try:
        server = subprocess.run(["pgrep", "-P", str(job.process.pid)], capture_output=True, text=True, check=True)
        os.kill(int(server.stdout), signal.SIGSTOP)
        job.process.terminate()
        code, err = job.end()
    finally:
        kill_quietly(job.process)
    assert (code, err) == (143, "")
    assert job.gone()


def ends_by(process: subprocess.Popen[str], number: int) -> bool:
    """Whether the process, which gets the signal once more, ends within a second."""
    process.send_signal(number)
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_functions_are_closed_though_their_source_does_not_return(launcher: Launcher) -> None:
    job = Running(launcher, 2, "-D", "task.cancellation.timeout=6 s", "-", "stuck")
    try:
        job.process.send_signal(signal.SIGINT)
        code, _ = job.end()
    finally:
        kill_quietly(job.process)
    assert code == 130
    assert job.log.count("closed") == 2
    assert job.gone()


def test_a_function_that_does_not_stop_is_killed_after_a_while(launcher: Launcher) -> None:
    job = Running(launcher, 1, "-D", "task.cancellation.timeout=1 s", "-", "block", "generator")
    try:
        job.process.send_signal(signal.SIGINT)
        code, _ = job.end()
    finally:
        kill_quietly(job.process)
    assert code == 130
    assert job.gone()


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_reader_that_has_enough_ends_the_job_quietly(launcher: Launcher, parallelism: int) -> None:
    process = launcher.start(
        """
        import itertools
        def main(factory):
            env = factory.get_execution_environment()
            env.from_collection(iter(itertools.count())).map(lambda number: str(number) * 10).output()
            env.execute()
        """,
        "-p",
        parallelism,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        first = [process.stdout.readline() for _ in range(3)]
        process.stdout.close()
        err = process.stderr.read()
        process.wait(PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()
    assert all(line.endswith("\n") for line in first)
    assert err == ""


def waiting_bytes(descriptor: int) -> int:
    """How much of a pipe has not been read."""
    count = array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]


def test_a_reader_that_does_not_read_keeps_no_job_from_stopping(launcher: Launcher) -> None:
    process = launcher.start(
        """
        import itertools
        def main(factory):
            env = factory.get_execution_environment()
            env.from_collection(iter(itertools.count())).map(lambda number: str(number) * 100).output()
            env.execute()
        """
    )
    assert process.stdout is not None
    sizes: deque[int] = deque([0], maxlen=20)

    def full() -> bool:
        sizes.append(waiting_bytes(process.stdout.fileno()))  # pyright: ignore[reportOptionalMemberAccess]
        return sizes[0] > 0 and len(set(sizes)) == 1

    try:
        assert wait_until(full)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    finally:
        kill_quietly(process)
