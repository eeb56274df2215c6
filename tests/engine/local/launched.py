"""The real command on scripts in a directory of its own, and jobs in this process on workers of one fork server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from stream_engine.api.factory import PythonEnvironmentFactory
from stream_engine.configuration import Configuration

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from stream_engine.api.environment import PythonStreamExecutionEnvironment
    from stream_engine.job import Executor, JobExecutionResult

ROOT = Path(__file__).resolve().parents[3]


class Done:
    """A finished run: its exit code, its lines, its standard error, and how many seconds it took."""

    def __init__(self, code: int, out: str, err: str, seconds: float) -> None:
        self.code = code
        self.lines = out.splitlines()
        self.err = err
        self.seconds = seconds


class Launcher:
    """Runs scripts with the real command, in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        path = [str(ROOT / "engine"), str(ROOT / "runner"), os.environ.get("PYTHONPATH", "")]
        self.environment = {name: value for name, value in os.environ.items() if name != "FLINK_CONF_DIR"}
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def start(self, script: str, *args: str | int, group: bool = False) -> subprocess.Popen[str]:
        """Starts the command on the program text ``script``; with ``group`` in a process group of its own."""
        path = self.write("program.py", script)
        return subprocess.Popen(
            [sys.executable, "-m", "pyflink_stream", *self._options(args, path)],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=group,
        )

    @staticmethod
    def _options(args: tuple[str | int, ...], script: Path) -> list[str]:
        texts = [str(arg) for arg in args]
        split = texts.index("-") if "-" in texts else len(texts)
        return [*texts[:split], str(script), *texts[split:]]

    def run(self, script: str, *args: str | int) -> Done:
        """Options before a ``-`` are the command's, those from there on the script's."""
        start = time.monotonic()
        with self.start(script, *args) as process:
            out, err = process.communicate(timeout=100)
        return Done(process.returncode, out, err, time.monotonic() - start)

    def lines(self, script: str, *args: str | int) -> list[str]:
        """The output of a run that must succeed and say nothing on standard error."""
        done = self.run(script, *args)
        assert (done.code, done.err) == (0, ""), done.err
        return done.lines


class Jobs:
    """Jobs of this process, which ``executor`` runs."""

    def __init__(self, executor: Executor, capfd: pytest.CaptureFixture[str]) -> None:
        self._executor = executor
        self._capture = capfd

    def environment(self, parallelism: int = 1, **options: object) -> PythonStreamExecutionEnvironment:
        """``options`` are those of the configuration, with ``__`` for a dot and ``_`` for a hyphen."""
        configuration = Configuration({"parallelism.default": parallelism})
        for name, value in options.items():
            configuration.set(name.replace("__", ".").replace("_", "-"), value)
        return PythonEnvironmentFactory(self._executor, configuration).get_execution_environment()

    def lines(self, environment: PythonStreamExecutionEnvironment) -> list[str]:
        """What the job of ``environment`` writes, without the subtask numbers, sorted."""
        return sorted(line.rpartition("> ")[2] for line in self.raw_lines(environment))

    def raw_lines(self, environment: PythonStreamExecutionEnvironment) -> list[str]:
        """What the job writes, in order."""
        return self.raw_result(environment)[0]

    def raw_result(self, environment: PythonStreamExecutionEnvironment) -> tuple[list[str], JobExecutionResult]:
        """What the job writes, in order, and what ``execute()`` returns."""
        self._capture.readouterr()
        result = environment.execute()
        return self._capture.readouterr().out.splitlines(), result


def alive(pid: int) -> bool:
    """Whether the process runs; one that waits for its parent to look at its end does not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] not in ("", "Z")


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kill_quietly(process: subprocess.Popen[str]) -> None:
    """For the end of a test, whatever came of it."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.communicate()
