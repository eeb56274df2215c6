"""Runs a plan on worker processes of this machine."""

from __future__ import annotations

import pickle
import sys
import uuid
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from stream_engine.connectors.splits import list_splits
from stream_engine.connectors.text_writer import prepare_output
from stream_engine.graph.job_graph import job_graph
from stream_engine.graph.operators import CollectionSource, FedSource, SocketTextSource, TextFileSink, TextFileSource
from stream_engine.job import InvalidProgramException, JobExecutionException, JobExecutionResult
from stream_engine.local.coordinator import Coordinator
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
        self._prepare = pickle.dumps(prepare) if prepare is not None else None

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        """Runs the plan to its end; see Executor. Files are looked at before a worker starts or a record is read."""
        plan = job_graph(graph, configuration.get("parallelism.default"))
        _check(plan)
        job_id = uuid.uuid4().hex
        try:
            splits = _prepare_files(plan)
        except OSError as error:
            raise JobExecutionException(str(error), job_id) from error
        start = monotonic()
        sys.stdout.flush()
        coordinator = Coordinator(self._server, job_id, plan)
        coordinator.run(self._prepare, pickle.dumps(configuration), pickle.dumps(_sendable(plan)), splits)
        return JobExecutionResult(job_id, job_name, int((monotonic() - start) * 1000), {})


def _check(plan: JobGraph) -> None:
    for task in plan.tasks:
        for node in task.operators:
            check_supported(node)
        if isinstance(task.head.operator, CollectionSource | FedSource | SocketTextSource) and task.parallelism > 1:
            raise InvalidProgramException(
                f"The source {task.head.name!r}, made at {task.head.location}, cannot be divided: "
                f"its parallelism must be 1, not {task.parallelism}."
            )


def _prepare_files(plan: JobGraph) -> dict[int, Any]:
    splits: dict[int, Any] = {}
    for task in plan.tasks:
        operator = task.head.operator
        if isinstance(operator, TextFileSource):
            splits[task.head.id] = list_splits(operator.path, task.parallelism)
    # Only when all inputs are there: an output may be about to be overwritten.
    for task in plan.tasks:
        for node in task.operators:
            if isinstance(node.operator, TextFileSink):
                prepare_output(node.operator.path, task.parallelism, node.operator.overwrite)
    return splits


def _sendable(plan: JobGraph) -> JobGraph:
    """The plan without what stays in this process."""
    tasks = tuple(
        replace(task, operators=(replace(task.head, operator=FedSource(())), *task.operators[1:]))
        if isinstance(task.head.operator, FedSource)
        else task
        for task in plan.tasks
    )
    return replace(plan, tasks=tasks)
