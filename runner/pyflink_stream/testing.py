"""For tests of streaming programs: runs a main as the command would, and returns its results.

from pyflink_stream.testing import run

def test_squares():
    assert run(squares.main, parallelism=2).records() == ...
"""

from __future__ import annotations

import atexit
import io
import os
import signal
import sys
import warnings
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from pyflink_stream.collecting import CollectingSink, Records, UnavailableRecord, take_collected
from pyflink_stream.subject import Subject
from stream_engine.api.capture.snapshot import snapshot
from stream_engine.api.factory import PythonEnvironmentFactory
from stream_engine.api.functions import SinkFunction
from stream_engine.configuration import OPTIONS, Configuration, nearest_key
from stream_engine.configuration.options import DEFAULT_PARALLELISM
from stream_engine.connectors.filesystem import resolve
from stream_engine.graph.specs import ConsoleSink, FunctionSink, TextFileSink
from stream_engine.graph.stream_graph import StreamGraph
from stream_engine.job import JobCancelledException, JobExecutionException
from stream_engine.local.executor import LocalExecutor
from stream_engine.local.forkserver.client import ForkServer
from stream_engine.local.inline.executor import InlineExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream_engine.api.streams import DataStream
    from stream_engine.job import Executor, JobExecutionResult

__all__ = ["JobExecutionException", "RunResult", "UnavailableRecord", "collect", "run"]


def run(
    main: Callable[..., Any] | str | os.PathLike[str],
    params: Sequence[str] = (),
    *,
    parallelism: int | None = None,
    packages: Sequence[str | os.PathLike[str]] = (),
    configuration: Mapping[str, Any] | None = None,
    one_process: bool = False,
) -> RunResult:
    """Calls ``main``, a function or the path of a script that defines it, and returns when its jobs have ended.

    ``params``, ``packages`` and ``parallelism`` are what the command takes under these names, ``configuration`` has
    keys of flink-conf.yaml; no file is read. Jobs run on worker processes, or with ``one_process`` in this one, as with
    ``--local-debug``: quicker for a small job, and debuggers stop in its functions. Functions of a test's own module
    are loaded in workers by importing that module there.

    Raises JobExecutionException when a job has failed, with the exception of the user's function as its cause, and
    whatever else ``main`` raises.
    """
    settings = _settings(configuration or {}, parallelism)
    subject = Subject(main, packages, params)
    result = RunResult()
    executor = InlineExecutor() if one_process else LocalExecutor(_workers(), subject.preparation())
    factory = PythonEnvironmentFactory(_Recorder(executor, result), settings)
    try:
        with subject.installed() as call, _Lines(result.lines) as lines, redirect_stdout(lines):
            call(factory)
    except JobCancelledException as stopped:
        if stopped.signal == signal.SIGINT:
            # Ctrl-C is meant for the tests, not for this one's job.
            raise KeyboardInterrupt from stopped
        raise
    if any(environment.graph.nodes for environment in factory.environments):
        warnings.warn("main() ended with a plan that was not run: call execute() on its environment", stacklevel=2)
    return result


def collect(stream: DataStream, name: str) -> None:
    """Adds a sink to ``stream``, in a main that ``run`` calls: its records are then ``RunResult.records(name)``."""
    stream.add_sink(CollectingSink(name)).name(f"Collect: {name}")


class RunResult:
    """The results of a run.

    ``jobs`` has the JobExecutionResult of each ``execute()``. ``lines`` is what was written to standard output, by
    ``main``, by ``output()`` and by ``print`` in functions, in the order of its arrival. ``files`` has the lines of
    what ``write_as_text`` has written, by absolute path; those of a directory are all its files' lines, by number.
    """

    def __init__(self) -> None:
        self.jobs: list[JobExecutionResult] = []
        self.lines: list[str] = []
        self.files: dict[str, list[str]] = {}
        self._records: dict[str, Records] = {}

    def records(self, name: str = "") -> list[Any]:
        """The records that ``output()`` has written, or ``output(name)``, or that ``collect(stream, name)`` has taken.

        They are in order within a subtask, subtask after subtask. Raises KeyError when no sink has that name,
        UnavailableRecord when a record cannot be pickled.
        """
        if name not in self._records:
            known = ", ".join(repr(each) for each in self._records) or "none"
            raise KeyError(f"no job has an output({name!r}) or collect(stream, {name!r}); there are: {known}")
        return self._records[name].get()

    def add(self, job: JobExecutionResult, graph: StreamGraph) -> None:
        """Adds what a finished job has collected and written."""
        for name, collected in take_collected(job).items():
            self._records.setdefault(name, Records()).extend(collected)
        for node in graph.nodes:
            if isinstance(node.operator, TextFileSink):
                path = resolve(node.operator.path)[1]
                self.files[path] = _lines_of(path)
        self.jobs.append(job)


class _Recorder:
    """An Executor that lets another one run its plans, with an additional sink for each ``output()``."""

    def __init__(self, executor: Executor, result: RunResult) -> None:
        self._executor = executor
        self._result = result

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        job = self._executor.execute(_with_collectors(graph), configuration, job_name)
        self._result.add(job, graph)
        return job


def _with_collectors(graph: StreamGraph) -> StreamGraph:
    recorded = StreamGraph(list(graph.nodes), list(graph.edges))
    for node in graph.nodes:
        if isinstance(node.operator, ConsoleSink):
            sink = snapshot(CollectingSink(node.operator.identifier or ""), "invoke", SinkFunction, ("value",))
            upstreams = tuple(edge.upstream for edge in graph.inputs(node.id))
            collector = recorded.add(FunctionSink(sink), f"{node.name} (records)", upstreams, location=node.location)
            collector.parallelism = node.parallelism
    return recorded


class _Lines(io.TextIOBase):
    """Standard output of a run: keeps its lines, and passes them on to the real standard output."""

    encoding = "utf-8"

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._rest = ""
        self._passed_on = sys.stdout

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._rest = (self._rest + text).split("\n")
        self._lines += whole
        return self._passed_on.write(text)

    def flush(self) -> None:
        self._passed_on.flush()

    def fileno(self) -> int:
        return self._passed_on.fileno()

    def close(self) -> None:
        """Keeps what has no line break at its end as a line, too."""
        if self._rest:
            self._lines.append(self._rest)
            self._rest = ""


def _settings(values: Mapping[str, Any], parallelism: int | None) -> Configuration:
    for key in values:
        nearest = None if key in OPTIONS else nearest_key(key)
        if nearest:
            warnings.warn(f"unknown key {key!r}; did you mean {nearest!r}?", stacklevel=3)
    settings = Configuration(values)
    return settings if parallelism is None else settings.set(DEFAULT_PARALLELISM, parallelism)


def _lines_of(path: str) -> list[str]:
    if os.path.isdir(path):
        names = sorted((name for name in os.listdir(path) if name.isdecimal()), key=int)
        return [line for name in names for line in _lines_of(os.path.join(path, name))]
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        return file.read().split("\n")[:-1]


# --- workers: one server for all runs of a process, as starting one takes longer than most jobs ----------------------

_server: tuple[int, ForkServer] | None = None


def _workers() -> ForkServer:
    global _server
    if _server is not None and _server[0] == os.getpid():
        try:
            _server[1].exits()
        except (EOFError, OSError):
            _stop_workers()
        else:
            return _server[1]
    _server = (os.getpid(), ForkServer.start())
    atexit.register(_stop_workers)
    return _server[1]


def _stop_workers() -> None:
    global _server
    # In a process that a test has forked, the server is not its own.
    if _server is not None and _server[0] == os.getpid():
        _server[1].close()
    _server = None
    atexit.unregister(_stop_workers)
