"""Runs a plan on worker processes of this machine."""

from __future__ import annotations

import pickle
import sys
import uuid
from dataclasses import replace
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.graph.job_graph import job_graph
from stream_engine.graph.operators import CollectionSource, FedSource, SocketTextSource
from stream_engine.job import (
    InvalidProgramException,
    JobCancelledException,
    JobExecutionException,
    JobExecutionResult,
)
from stream_engine.local.accumulators import results
from stream_engine.local.attempt import Deployment
from stream_engine.local.coordinator import Coordinator
from stream_engine.local.files import check_spill_directory, prepare_files
from stream_engine.local.recovery import Recovery
from stream_engine.operators.build import check_supported

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamGraph
    from stream_engine.local.forkserver import ForkServer


class LocalExecutor:
    """An Executor whose workers come from ``server``. ``prepare`` is picklable; each worker calls it first."""

    def __init__(self, server: ForkServer, prepare: Callable[[], None] | None = None) -> None:
        self._server = server
        self._prepare = prepare
        self._running = Lock()
        self._begun = False

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        """Runs the plan to its end; see Executor. Files are looked at before a worker starts or a record is read."""
        plan = job_graph(graph, configuration.get("parallelism.default"))
        _check(plan)
        job_id = uuid.uuid4().hex
        if plan.loops:
            check_spill_directory(configuration.get("io.tmp.dirs"))
        # The first job of a script is the one that goes on from a savepoint.
        savepoint = "" if self._begun else configuration.get("execution.savepoint.path")
        self._begun = True
        recovery = Recovery(job_id, job_name, plan, configuration, savepoint)
        plan, splits = prepare_files(plan, job_id, recovery.resumed)
        start = monotonic()
        if sys.stdout is not None:
            sys.stdout.flush()
        if not self._running.acquire(blocking=False):
            raise InvalidProgramException("Another job of this script is still running: execute() one after the other.")
        try:
            coordinator = Coordinator(self._server, job_id, plan, configuration, recovery)
            # Now, not earlier: it may hold what main has changed, as the path that modules are found on.
            prepare = pickle.dumps(self._prepare) if self._prepare is not None else None
            packed = coordinator.run(
                Deployment(prepare, pickle.dumps(configuration), pickle.dumps(_sendable(plan)), splits)
            )
        except JobCancelledException:
            recovery.on_stopped()
            raise
        except JobExecutionException:
            recovery.on_failed()
            raise
        else:
            recovery.on_finished()
        finally:
            self._running.release()
        return JobExecutionResult(job_id, job_name, int((monotonic() - start) * 1000), results(packed, job_id))


def _check(plan: JobGraph) -> None:
    for task in plan.tasks:
        for node in task.operators:
            check_supported(node)
        if isinstance(task.head.operator, CollectionSource | FedSource | SocketTextSource) and task.parallelism > 1:
            raise InvalidProgramException(
                f"The source {task.head.name!r}, made at {task.head.location}, cannot be divided: "
                f"its parallelism must be 1, not {task.parallelism}."
            )


def _sendable(plan: JobGraph) -> JobGraph:
    """The plan without what stays in this process."""
    tasks = tuple(
        replace(task, operators=(replace(task.head, operator=FedSource(())), *task.operators[1:]))
        if isinstance(task.head.operator, FedSource)
        else task
        for task in plan.tasks
    )
    return replace(plan, tasks=tasks)
