"""The real command on scripts in a directory of its own, jobs in this process, and waiting for what processes do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from threading import Timer
from typing import TYPE_CHECKING, Any

import cloudpickle

from stream_engine.api.factory import PythonEnvironmentFactory
from stream_engine.configuration import Configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    import pytest

    from stream_engine.api.environment import PythonStreamExecutionEnvironment
    from stream_engine.job import Executor, JobExecutionResult

ROOT = Path(__file__).resolve().parents[1]
# In seconds: longer than anything takes on the busiest machine, and shorter than the limit of a whole test.
PATIENCE = 200
# What stops by itself has time to, so that nothing is said of it; a later option wins over this one.
PATIENT = ("-D", "task.cancellation.timeout=150 s")
# For Popen: in a process group of its own.
GROUP = {"start_new_session": True}


def command_environment() -> dict[str, str]:
    """The environment variables of this process, for the command of this checkout with its own configuration."""
    environment = {name: value for name, value in os.environ.items() if name != "FLINK_CONF_DIR"}
    path = [str(ROOT / "engine"), str(ROOT / "runner"), environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, path))}


class Done(subprocess.CompletedProcess[str]):
    """A finished run, with short names for what tests look at most."""

    @property
    def code(self) -> int:
        return self.returncode

    @property
    def err(self) -> str:
        return self.stderr

    @property
    def lines(self) -> list[str]:
        """Those of its standard output."""
        return self.stdout.splitlines()


class Command:
    """The launcher as a process, with ``directory`` as its working directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = command_environment()

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def words(self, *args: object) -> list[str]:
        """Those of the command with ``args``, for a process that something else starts."""
        return [sys.executable, "-m", "pyflink_stream", *map(str, args)]

    def start(self, *args: object, popen: Mapping[str, Any] | None = None, **environment: str) -> subprocess.Popen[str]:
        """Starts the command with ``args``; ``popen`` has what a test needs otherwise, as another standard output."""
        options: dict[str, Any] = {
            "args": self.words(*args),
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **(popen or {}),
        }
        return subprocess.Popen(
            cwd=self.directory, env={**self.environment, **environment}, encoding="utf-8", **options
        )

    def run(self, *args: object, popen: Mapping[str, Any] | None = None, **environment: str) -> Done:
        """The command with these arguments, whatever comes of it."""
        return finish(self.start(*args, popen=popen, **environment))

    def output(self, *args: object, popen: Mapping[str, Any] | None = None, **environment: str) -> str:
        """The standard output of a run that must succeed and say nothing else."""
        done = self.run(*args, popen=popen, **environment)
        assert (done.code, done.err) == (0, ""), done.err
        return done.stdout


class Launcher(Command):
    """Runs the text of a program. Options before a ``-`` are the command's, those from there on the program's."""

    def arguments(self, *args: object) -> list[str]:
        """Those of the command, for a program that is written to a file."""
        text, *others = args
        path = self.write("program.py", str(text))
        split = others.index("-") if "-" in others else len(others)
        return [*PATIENT, *map(str, others[:split]), str(path), *map(str, others[split:])]

    def start(self, *args: object, popen: Mapping[str, Any] | None = None, **environment: str) -> subprocess.Popen[str]:
        return super().start(*self.arguments(*args), popen=popen, **environment)

    def lines(self, *args: object) -> list[str]:
        """The output of a run that must succeed and say nothing on standard error."""
        return self.output(*args).splitlines()


class Jobs:
    """Jobs of this process, which ``executor`` runs."""

    def __init__(self, executor: Executor, capfd: pytest.CaptureFixture[str]) -> None:
        self._executor = executor
        self._capture = capfd

    def environment(self, parallelism: int = 1, **options: object) -> PythonStreamExecutionEnvironment:
        """``options`` are those of the configuration, with ``__`` for a dot and ``_`` for a hyphen."""
        return self._factory(parallelism, **options).get_execution_environment()

    def script_lines(self, text: str, parallelism: int = 1) -> list[str]:
        """The output of the program ``text``, which must say nothing on standard error.

        It costs far less than with the command: for tests of what jobs do, not of how they are started.
        """
        program: dict[str, Any] = {"__name__": "program"}
        exec(compile(dedent(text), "program.py", "exec"), program)
        self._capture.readouterr()
        program["main"](self._factory(parallelism))
        out, err = self._capture.readouterr()
        assert err == ""
        return out.splitlines()

    def _factory(self, parallelism: int, **options: object) -> PythonEnvironmentFactory:
        configuration = Configuration({"parallelism.default": parallelism, "task.cancellation.timeout": "150 s"})
        for name, value in options.items():
            configuration.set(name.replace("__", ".").replace("_", "-"), value)
        return PythonEnvironmentFactory(self._executor, configuration)

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


@contextmanager
def by_value(*modules: ModuleType) -> Iterator[None]:
    """Functions of these modules are sent as they are while the context lasts, so that no worker has to import them."""
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    yield
    for module in modules:
        cloudpickle.unregister_pickle_by_value(module)


def finish(process: subprocess.Popen[Any], seconds: float = PATIENCE) -> Done:
    """Waits for the end of ``process``; one that does not end in time is killed, and fails the test."""
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            # What it has started may have its streams for a while.
            out, err = process.communicate(timeout=30)
            raise AssertionError(f"{process.args} ran for {seconds} s:\n{out}\n{err}") from None
        except BaseException:
            process.kill()
            raise
    return Done(process.args, process.returncode, out, err)


def rest_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What is left of both outputs of a process some of whose lines were read, which ends by itself.

    ``communicate`` would lose what was read ahead with those.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    timer = Timer(PATIENCE, process.kill)
    timer.start()
    try:
        with ThreadPoolExecutor(1) as other:
            err = other.submit(process.stderr.read)
            out = process.stdout.read()
        process.wait()
    finally:
        timer.cancel()
    return out, err.result()


def alive(pid: int) -> bool:
    """Whether the process runs; one that waits for its parent to look at its end does not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] not in ("", "Z")


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kill_quietly(process: subprocess.Popen[Any]) -> None:
    """For the end of a test, whatever came of it."""
    if process.poll() is None:
        process.kill()
    process.communicate()
