"""Runs a plan on a Flink cluster."""

from __future__ import annotations

import uuid
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine import logs
from stream_engine.configuration.options import ATTACHED, SAVEPOINT_PATH
from stream_engine.flink.plan import flink_job
from stream_engine.flink.refusals import check_possible, with_generators_read
from stream_engine.flink.reports import Reports
from stream_engine.flink.stopping import Stopping
from stream_engine.graph.specs import TextFileSink
from stream_engine.job import JobExecutionException, JobExecutionResult
from stream_engine.local.files import prepare_files
from stream_engine.local.output import tell
from stream_engine.local.preparation import runnable
from stream_engine.operators.sinks import WrittenFiles
from stream_engine.report import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration
    from stream_engine.flink.target import Cluster
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamGraph


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
        settings = self._settings(configuration)
        check_possible(plan, settings)
        self._cluster.check(plan, settings)
        plan, splits = prepare_files(with_generators_read(plan), job_id, _resumed(plan, settings))
        job = flink_job(plan, splits, settings, job_name, job_id, self._prepare)
        start = monotonic()
        reports = Reports(plan, configuration)
        with Stopping(reports, settings) as stop:
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
            stop.settle()
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
