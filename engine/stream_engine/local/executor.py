"""Runs a plan on worker processes of this machine."""

from __future__ import annotations

import pickle
import sys
import uuid
from dataclasses import replace
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.graph.operators import FedSource
from stream_engine.job import InvalidProgramException, JobCancelledException, JobExecutionResult
from stream_engine.local import logs
from stream_engine.local.accumulators import results
from stream_engine.local.coordinator import Coordinator
from stream_engine.local.preparation import prepare
from stream_engine.local.tables import tables_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamGraph
    from stream_engine.local.forkserver import ForkServer


class LocalExecutor:
    """An Executor whose workers come from ``server``. ``prepare`` is picklable; each worker calls it first."""

    def __init__(self, server: ForkServer, prepare: Callable[[], object] | None = None) -> None:
        self._server = server
        self._prepare = prepare
        self._running = Lock()

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        """Runs the plan to its end; see Executor. Files are looked at before a worker starts or a record is read."""
        job_id = uuid.uuid4().hex
        plan, splits = prepare(graph, configuration, job_id)
        start = monotonic()
        if sys.stdout is not None:
            sys.stdout.flush()
        if not self._running.acquire(blocking=False):
            raise InvalidProgramException("Another job of this script is still running: execute() one after the other.")
        _log_start(plan, job_name, job_id)
        outcome = "failed"
        try:
            with tables_directory(configuration, self._server) as configuration:
                coordinator = Coordinator(self._server, job_id, plan)
                # Now, not earlier: it may hold what main has changed, as the path that modules are found on.
                first = pickle.dumps(self._prepare) if self._prepare is not None else None
                packed = coordinator.run(first, pickle.dumps(configuration), pickle.dumps(_sendable(plan)), splits)
            outcome = "finished"
        except JobCancelledException:
            outcome = "was stopped"
            raise
        finally:
            self._running.release()
            logs.info("Job %r %s after %.3f s", job_name, outcome, monotonic() - start)
        return JobExecutionResult(job_id, job_name, int((monotonic() - start) * 1000), results(packed, job_id))


def _log_start(plan: JobGraph, job_name: str, job_id: str) -> None:
    logs.info("Job %r (%s) starts; tasks: %d, workers: %d", job_name, job_id, len(plan.tasks), plan.slots)
    for task in plan.tasks:
        logs.info("Task %d of parallelism %d: %s", task.id + 1, task.parallelism, task.name)
    for exchange in plan.exchanges:
        kind = type(exchange.partitioner).__name__
        logs.debug("Task %d feeds task %d: %s", exchange.source_task + 1, exchange.target_task + 1, kind)


def _sendable(plan: JobGraph) -> JobGraph:
    """The plan without what stays in this process."""
    tasks = tuple(
        replace(task, operators=(replace(task.head, operator=FedSource(())), *task.operators[1:]))
        if isinstance(task.head.operator, FedSource)
        else task
        for task in plan.tasks
    )
    return replace(plan, tasks=tasks)
