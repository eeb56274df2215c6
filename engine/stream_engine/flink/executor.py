"""Runs a plan on a Flink cluster."""

from __future__ import annotations

import uuid
from signal import Signals, signal
from threading import current_thread, main_thread
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from stream_engine import logs
from stream_engine.configuration.options import ATTACHED, SAVEPOINT_PATH
from stream_engine.flink.plan import flink_job
from stream_engine.flink.refusals import check_possible, with_generators_read
from stream_engine.flink.reports import Reports
from stream_engine.graph.specs import TextFileSink
from stream_engine.job import JobCancelledException, JobExecutionException, JobExecutionResult
from stream_engine.local.files import prepare_files
from stream_engine.local.output import tell
from stream_engine.local.preparation import runnable
from stream_engine.local.stop_signals import Requests, stop_signals
from stream_engine.operators.sinks import WrittenFiles
from stream_engine.report import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from stream_engine.configuration import Configuration
    from stream_engine.flink.plan import FlinkJob
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamGraph


class Submitted(Protocol):
    """A job that a cluster has accepted."""

    id: str
    page: str
    """Where people can look at it."""

    def reports(self) -> Iterator[bytes]:
        """The elements that its subtasks report with, until it ends. Raises JobExecutionException when it fails."""
        ...

    def complete(self) -> None:
        """All subtasks have finished: lets a job end whose sources are driven without end."""
        ...

    def cancel(self) -> None:
        """Stops it; ``reports`` ends then. May be called by a signal handler."""
        ...


class Cluster(Protocol):
    """Where jobs run."""

    def check(self, plan: JobGraph, configuration: Configuration) -> None:
        """Raises ClusterUnusable when the plan cannot run there."""
        ...

    def submit(self, job: FlinkJob, configuration: Configuration, commit: Callable[[], None]) -> Submitted:
        """Calls ``commit`` right before the job is there, which may raise what stops it.

        Raises ClusterUnusable, or JobExecutionException for a job that the cluster refuses.
        """
        ...


class FlinkExecutor:
    """An Executor whose jobs run on ``cluster``. ``prepare`` is picklable; each Python worker calls it first."""

    def __init__(self, cluster: Cluster, prepare: Callable[[], object] | None = None) -> None:
        self._cluster = cluster
        self._prepare = prepare
        self._begun = False

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        """Runs the plan to its end; see Executor. What cannot work there is refused before a file is touched."""
        job_id = uuid.uuid4().hex
        plan = runnable(graph, configuration)
        check_possible(plan, configuration)
        self._cluster.check(plan, configuration)
        settings = self._settings(configuration)
        plan, splits = prepare_files(with_generators_read(plan), job_id, _resumed(plan, settings))
        job = flink_job(plan, splits, configuration, job_name, self._prepare)
        start = monotonic()
        reports = Reports(plan, configuration)
        with _Stop(reports) as stop:
            submitted = self._cluster.submit(job, settings, stop.commit)
            logs.info("Job %r (%s) runs on the Flink cluster", job_name, submitted.id)
            if not configuration.get(ATTACHED):
                ends = " It runs until it is cancelled, as it takes checkpoints." if job.ticks else ""
                tell(f"Job {one_line(job_name)!r} runs as {submitted.id}: {submitted.page}.{ends}")
                return JobExecutionResult(submitted.id, job_name, 0, {})
            stop.begin(submitted)
            try:
                for element in submitted.reports():
                    lost = reports.take(element)
                    if lost is not None:
                        stop.ask(lost)
                    if reports.complete and job.ticks:
                        submitted.complete()
            except JobExecutionException:
                if stop.signal is None:
                    raise
            finally:
                reports.close()
            if stop.signal is not None:
                raise _stopped_by(stop.signal, submitted.id)
        runtime = int((monotonic() - start) * 1000)
        return JobExecutionResult(submitted.id, job_name, runtime, reports.accumulators(submitted.id))

    def _settings(self, configuration: Configuration) -> Configuration:
        """Those of a job: only the first of a script resumes from a savepoint."""
        if self._begun:
            configuration = configuration.copy()
            configuration.remove(SAVEPOINT_PATH)
        self._begun = True
        return configuration


def _resumed(plan: JobGraph, configuration: Configuration) -> dict[str, WrittenFiles]:
    """The text sinks that go on with their files, by their uids. Their workers know from where, and nobody else."""
    if not configuration.get(SAVEPOINT_PATH):
        return {}
    sinks = (node for task in plan.tasks for node in task.operators if isinstance(node.operator, TextFileSink))
    return {node.uid or "": WrittenFiles(None, {}) for node in sinks}


def _stopped_by(number: int, job_id: str = "") -> JobCancelledException:
    return JobCancelledException(f"The job was stopped by {Signals(number).name}.", job_id, number)


class _Stop:
    """Cancels the job at the first signal that asks for it. A second request leaves at once.

    Before the job is there, the first one raises JobCancelledException wherever this process is.
    """

    def __init__(self, reports: Reports) -> None:
        self.signal: int | None = None
        self._reports = reports
        self._committed = False
        self._submitted: Submitted | None = None
        self._requests = Requests()
        self._earlier: dict[int, object] = {}

    def __enter__(self) -> _Stop:
        if current_thread() is main_thread():
            self._earlier = {number: signal(number, self._on_signal) for number in stop_signals()}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier.items():
            signal(number, handler)  # pyright: ignore[reportArgumentType]

    def commit(self) -> None:
        """From now on the cluster may have the job."""
        self._committed = True

    def begin(self, submitted: Submitted) -> None:
        self._submitted = submitted
        if self.signal is not None:
            submitted.cancel()

    def ask(self, number: int) -> None:
        if self.signal is None:
            self.signal = number
            if self._submitted is not None:
                self._submitted.cancel()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        again = self._requests.repeats(number) is False and self.signal is not None
        if again:
            raise KeyboardInterrupt
        if not self._committed:
            raise _stopped_by(number)
        self.ask(number)
        self._reports.interrupt()
