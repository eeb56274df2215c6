"""Runs a plan on a Flink cluster."""

from __future__ import annotations

import uuid
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine import logs
from stream_engine.configuration.options import ATTACHED, CHECKPOINT_INTERVAL, SAVEPOINT_PATH
from stream_engine.connectors.storage_options import configure
from stream_engine.flink.client.refusals import check_possible, with_generators_read
from stream_engine.flink.client.reports import Reports
from stream_engine.flink.client.stopping import Interrupted, Stopping
from stream_engine.flink.plan import flink_job
from stream_engine.graph.specs import TextFileSink
from stream_engine.job import JobExecutionException, JobExecutionResult
from stream_engine.local.files import check_files
from stream_engine.local.null_monitor import NullMonitor
from stream_engine.local.output import tell
from stream_engine.local.preparation import runnable
from stream_engine.operators.sinks import WrittenFiles
from stream_engine.report import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from stream_engine.configuration import Configuration
    from stream_engine.flink.client.target import Cluster
    from stream_engine.flink.plan import FlinkJob
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamGraph
    from stream_engine.status import Observer

# Elements of reports that have come, and are not written yet.
_WAITING = 16


class FlinkExecutor:
    """An Executor whose jobs run on ``cluster``. ``prepare`` is picklable; each Python worker calls it first.

    ``observers`` watch the jobs.
    """

    def __init__(
        self, cluster: Cluster, prepare: Callable[[], object] | None = None, observers: Sequence[Observer] = ()
    ) -> None:
        self._observers = observers
        self._cluster = cluster
        self._prepare = prepare
        self._begun = False

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        """Runs the plan to its end; see Executor. What cannot work there is refused before a file is touched."""
        job_id = uuid.uuid4().hex
        plan = runnable(graph, configuration)
        settings = self._settings(configuration)
        configure(settings)
        check_possible(plan, settings)
        self._cluster.check(plan, settings)
        files = check_files(with_generators_read(plan), job_id, _resumed(plan, settings))
        watched = bool(self._observers) and configuration.get(ATTACHED)
        job = flink_job(files.plan, files.splits, settings, job_name, job_id, self._prepare, watched)
        monitor = self._monitor(job_id, job_name, files.plan, settings) if watched else NullMonitor()
        try:
            result = self._run(job, files.prepare, settings, monitor)
        except JobExecutionException as error:
            monitor.failed(error)
            raise
        monitor.finished()
        return result

    def _run(
        self, job: FlinkJob, prepare: Callable[[], None], configuration: Configuration, monitor: NullMonitor
    ) -> JobExecutionResult:
        """``prepare`` touches the files of the job: as late as can be."""
        start = monotonic()
        reports = Reports(job.plan, configuration, monitor)
        with Stopping(reports, configuration) as stop:

            def commit() -> None:
                stop.commit()
                prepare()

            submitted = self._cluster.submit(job, configuration, commit)
            logs.info("Job %r (%s) runs on the Flink cluster", job.name, submitted.id)
            stop.begin(submitted)
            if not configuration.get(ATTACHED):
                if stop.signal is not None:
                    submitted.leave()
                stop.settle(ended=False)
                ends = " It runs until it is cancelled, as it takes checkpoints." if job.ticks else ""
                tell(f"Job {one_line(job.name)!r} runs as {submitted.id}: {submitted.page}.{ends}")
                return JobExecutionResult(submitted.id, job.name, 0, {})
            try:
                monitor.started()
                elements = submitted.reports()
                if monitor.watching:
                    elements = _at_times(elements, monitor, lambda: reports.show(submitted.statuses()))
                for element in elements:
                    lost = reports.take(element)
                    if lost is not None:
                        stop.ask(lost)
                    if reports.complete:
                        submitted.complete()
            except JobExecutionException:
                if stop.signal is None:
                    raise
            except BaseException as error:
                # What is wrong is here, not there: a full disk, or a view that fails.
                submitted.leave(at_once=isinstance(error, Interrupted))
                raise
            finally:
                reports.close()
            stop.settle()
        runtime = int((monotonic() - start) * 1000)
        return JobExecutionResult(submitted.id, job.name, runtime, reports.accumulators(submitted.id))

    def _monitor(self, job_id: str, name: str, plan: JobGraph, configuration: Configuration) -> NullMonitor:
        from stream_engine.local.monitor import Monitor

        return Monitor(job_id, name, plan, self._observers, configuration.get(CHECKPOINT_INTERVAL))

    def _settings(self, configuration: Configuration) -> Configuration:
        """Those of a job: only the first of a script resumes from a savepoint."""
        if self._begun:
            configuration = configuration.copy()
            configuration.remove(SAVEPOINT_PATH)
        self._begun = True
        return configuration


def _at_times(elements: Iterator[bytes], monitor: NullMonitor, look: Callable[[], None]) -> Iterator[bytes]:
    """The same elements; while none comes, the monitor has its turns. Calls ``look`` before each of them."""
    # Few: what a slow terminal does not take is to wait on the cluster.
    waiting: Queue[bytes | BaseException | None] = Queue(_WAITING)
    left = Event()

    def read() -> None:
        try:
            for element in elements:
                waiting.put(element)
                if left.is_set():
                    return
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)

    Thread(target=read, name="reports", daemon=True).start()
    try:
        while True:
            try:
                element = waiting.get(timeout=monitor.patience(None))
            except Empty:
                look()
                monitor.tick()
                continue
            if isinstance(element, BaseException):
                raise element
            if element is None:
                return
            yield element
            look()
            monitor.tick()
    finally:
        left.set()
        # The reader may wait for room, once more.
        with suppress(Empty):
            waiting.get_nowait()


def _resumed(plan: JobGraph, configuration: Configuration) -> dict[str, WrittenFiles]:
    """The text sinks that go on with their files, by their uids. Their workers know from where, and nobody else."""
    if not configuration.get(SAVEPOINT_PATH):
        return {}
    sinks = (node for task in plan.tasks for node in task.operators if isinstance(node.operator, TextFileSink))
    return {node.uid or "": WrittenFiles(None, {}) for node in sinks}
