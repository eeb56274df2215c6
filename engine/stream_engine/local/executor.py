"""Runs a plan on worker processes of this machine."""

from __future__ import annotations

import pickle
import sys
import uuid
from dataclasses import replace
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine import logs
from stream_engine.configuration.options import CHECKPOINT_INTERVAL, SAVEPOINT_PATH
from stream_engine.connectors.storage_options import configure
from stream_engine.graph.specs import ClientSource
from stream_engine.job import (
    InvalidProgramException,
    JobCancelledException,
    JobExecutionException,
    JobExecutionResult,
)
from stream_engine.local.accumulators import results
from stream_engine.local.coordinator.job import Coordinator
from stream_engine.local.coordinator.recovery import Recovery
from stream_engine.local.coordinator.state_directory import state_directory
from stream_engine.local.files import prepare_files
from stream_engine.local.null_monitor import NullMonitor
from stream_engine.local.preparation import runnable
from stream_engine.wire.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamGraph
    from stream_engine.local.files import Splits
    from stream_engine.local.forkserver.client import ForkServer
    from stream_engine.status import Observer


class LocalExecutor:
    """An Executor whose workers come from ``server``. ``prepare`` can be pickled; each worker calls it first.

    Jobs report to ``observers``; without any they measure nothing.
    """

    def __init__(
        self, server: ForkServer, prepare: Callable[[], object] | None = None, observers: Sequence[Observer] = ()
    ) -> None:
        self._server = server
        self._prepare = prepare
        self._observers = observers
        self._running = Lock()
        self._begun = False

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        """Runs the plan to its end; see Executor. Checks files before a worker starts or a record is read."""
        job_id = uuid.uuid4().hex
        plan = runnable(graph, configuration)
        if not self._running.acquire(blocking=False):
            raise InvalidProgramException("Another job of this script is still running: execute() one after the other.")
        # Only the first job of a script resumes from a savepoint.
        savepoint = "" if self._begun else configuration.get(SAVEPOINT_PATH)
        self._begun = True
        start = monotonic()
        configure(configuration)
        outcome = "failed"
        monitor = NullMonitor()
        try:
            with Recovery(job_id, job_name, plan, configuration, savepoint) as recovery:
                checkpointed = recovery.checkpoints is not None
                plan, splits = prepare_files(plan, job_id, recovery.written, recovery.lenient, checkpointed)
                _log_start(plan, job_name, job_id)
                start = monotonic()
                monitor = self._monitor(job_id, job_name, plan, configuration)
                packed = self._run(job_id, plan, splits, configuration, recovery, monitor)
            accumulators = results(packed, job_id)
            outcome = "finished"
            monitor.finished()
        except JobExecutionException as error:
            if isinstance(error, JobCancelledException):
                outcome = "was stopped"
            monitor.failed(error)
            raise
        finally:
            self._running.release()
            logs.info("Job %r %s after %.3f s", job_name, outcome, monotonic() - start)
        return JobExecutionResult(job_id, job_name, int((monotonic() - start) * 1000), accumulators)

    def _monitor(self, job_id: str, name: str, plan: JobGraph, configuration: Configuration) -> NullMonitor:
        if not self._observers:
            return NullMonitor()
        from stream_engine.local.monitor import Monitor

        return Monitor(job_id, name, plan, self._observers, configuration.get(CHECKPOINT_INTERVAL))

    def _run(
        self,
        job_id: str,
        plan: JobGraph,
        splits: Splits,
        configuration: Configuration,
        recovery: Recovery,
        monitor: NullMonitor,
    ) -> list[bytes]:
        if sys.stdout is not None:
            sys.stdout.flush()
        with state_directory(configuration, self._server) as configuration:
            # Pickled now: it may hold things that main has changed, such as sys.path.
            first = pickle.dumps(self._prepare) if self._prepare is not None else None
            deployment = Deployment(first, pickle.dumps(configuration), pickle.dumps(_sendable(plan)), splits)
            return Coordinator(self._server, job_id, plan, configuration, recovery, monitor).run(deployment)


def _log_start(plan: JobGraph, job_name: str, job_id: str) -> None:
    logs.info("Job %r (%s) starts; tasks: %d, workers: %d", job_name, job_id, len(plan.tasks), plan.slots)
    for task in plan.tasks:
        logs.info("Task %d of parallelism %d: %s", task.id + 1, task.parallelism, task.name)
    for exchange in plan.exchanges:
        kind = type(exchange.partitioner).__name__
        logs.debug("Task %d feeds task %d: %s", exchange.source_task + 1, exchange.target_task + 1, kind)


def _sendable(plan: JobGraph) -> JobGraph:
    """The plan without the parts that stay in this process."""
    tasks = tuple(
        task._replace(operators=(replace(task.head, operator=ClientSource(())), *task.operators[1:]))
        if isinstance(task.head.operator, ClientSource)
        else task
        for task in plan.tasks
    )
    return plan._replace(tasks=tasks)
