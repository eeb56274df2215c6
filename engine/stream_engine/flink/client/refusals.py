"""What a plan may have that runs on this machine, but not on a Flink cluster: refused before anything is submitted."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from threading import Timer
from typing import TYPE_CHECKING

from stream_engine.configuration.options import STATE_BACKEND
from stream_engine.flink.plan import takes_checkpoints
from stream_engine.graph.specs import (
    ClientSource,
    CollectionSource,
    FunctionSink,
    IterationHead,
    KafkaSink,
    SequenceSource,
    TextFileSink,
)
from stream_engine.job import ClusterUnusable
from stream_engine.local.output import tell
from stream_engine.operators.ownership import own
from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamNode

# How many bytes of a collection, and elements of a generator, go along with the job.
_MOST_ELEMENTS = 1_000_000
_MOST_BYTES = 64 * 1024 * 1024
_CHUNK = 1_000
BUNDLE_SIZE = "python.fn-execution.bundle.size"
"""Flink's key for the number of elements that a Python worker is given at once."""
_SMALLEST_BUNDLE = 2
# After so many seconds it is said that one is read: it may never end, and be slow.
_SILENCE = 5.0
_EXECUTION_MODE = "python.execution-mode"


def check_possible(plan: JobGraph, configuration: Configuration) -> None:
    """Raises ClusterUnusable for what a Flink cluster cannot run, with the line of the operator."""
    checkpointed = takes_checkpoints(configuration)
    for task in plan.tasks:
        for node in task.operators:
            if isinstance(node.operator, IterationHead):
                raise ClusterUnusable(
                    f"{_made(node)} cannot run on a Flink cluster: Flink has had no iterations since version 2. Run it "
                    "on this machine, with --target local."
                )
            if isinstance(node.operator, CollectionSource):
                size = sum(map(len, node.operator.chunks))
                if size > _MOST_BYTES:
                    raise ClusterUnusable(
                        f"{_made(node)} cannot run on a Flink cluster: its {node.operator.size:,} elements take "
                        f"{size / 2**20:,.0f} MB, and no more than {_MOST_BYTES // 2**20} MB go along with a job. "
                        "Read them from a file that all machines see, or in a source function: env.add_source(...)."
                    )
            if isinstance(node.operator, FunctionSink | KafkaSink) and node.operator.transactional:
                raise ClusterUnusable(
                    f"{_made(node)} cannot run on a Flink cluster: it commits its transactions when a checkpoint is "
                    "complete, which Flink tells no Python function. Run it on this machine, with --target local, or "
                    "use write_as_text()."
                )
            if isinstance(node.operator, TextFileSink) and checkpointed and not _can_be_cut(node.operator.path):
                raise ClusterUnusable(
                    f"{_made(node)} cannot take part in checkpoints on a Flink cluster: what was written to "
                    f"{node.operator.path} cannot be cut back, and Flink tells no Python function when a checkpoint is "
                    "complete. Write to a path that all machines have mounted, or run the job on this machine."
                )
    if not checkpointed:
        _check_bundles(configuration)
    if configuration.get(STATE_BACKEND) != "hashmap":
        raise ClusterUnusable(
            f"{STATE_BACKEND.key}: {configuration.get(STATE_BACKEND)} is for jobs on this machine: on a Flink cluster "
            f"state is in the memory of the Python workers. Set {STATE_BACKEND.key}: hashmap."
        )
    mode = configuration.to_dict().get(_EXECUTION_MODE, "process")
    if mode.lower() != "process":
        raise ClusterUnusable(
            f"{_EXECUTION_MODE}: {mode} cannot run this: on a Flink cluster functions are in Python processes of their "
            "own, not in threads of Flink's. Leave that key out."
        )


def _check_bundles(configuration: Configuration) -> None:
    """Refuses bundles that would end a source early: Flink waits for its next timer only within one."""
    size = configuration.to_dict().get(BUNDLE_SIZE)
    if size is not None and str(size).strip().lstrip("+-").isdecimal() and int(size) < _SMALLEST_BUNDLE:
        raise ClusterUnusable(
            f"{BUNDLE_SIZE}: {size} would lose records on a Flink cluster: without checkpoints a bundle has to have "
            f"{_SMALLEST_BUNDLE} elements or more."
        )


def _can_be_cut(path: str) -> bool:
    """Whether a job that restarts can take back what it wrote there. A path that means nothing is told of later."""
    from stream_engine.connectors.filesystem import resolve

    try:
        return resolve(path)[0].truncates
    except (OSError, ValueError):
        return True


def with_generators_read(plan: JobGraph) -> JobGraph:
    """The plan with the elements of generators and other iterables of this process, which are read to their end here.

    Raises ClusterUnusable for one that gives too many to go along with the job.
    """
    return plan._replace(
        tasks=tuple(
            task._replace(operators=(replace(task.head, operator=_read(task.head)), *task.operators[1:]))
            if isinstance(task.head.operator, ClientSource)
            else task
            for task in plan.tasks
        )
    )


def _read(node: StreamNode) -> CollectionSource | SequenceSource:
    operator = node.operator
    assert isinstance(operator, ClientSource)
    if isinstance(operator.iterable, range) and operator.iterable.step == 1 and operator.iterable:
        return SequenceSource(operator.iterable[0], operator.iterable[-1])
    note = Timer(_SILENCE, tell, [f"{_made(node)} is read to its end, before the job is sent to the Flink cluster."])
    note.daemon = True
    note.start()
    try:
        return _elements(node, operator)
    finally:
        note.cancel()


def _elements(node: StreamNode, operator: ClientSource) -> CollectionSource:
    # Each is copied at once: its maker may fill the same list anew.
    elements = map(own, operator.iterable)
    chunks: list[bytes] = []
    count = size = 0
    while chunk := list(islice(elements, _CHUNK)):
        chunks.append(dumps(chunk))
        count += len(chunk)
        size += len(chunks[-1])
        if count > _MOST_ELEMENTS or size > _MOST_BYTES:
            raise ClusterUnusable(
                f"{_made(node)} cannot run on a Flink cluster: it is read in the script's own process and sent along "
                f"with the job, and after {count:,} elements it has not ended. Write a source function, which runs on "
                "the cluster: env.add_source(...)."
            )
    return CollectionSource(tuple(chunks), count)


def _made(node: StreamNode) -> str:
    return f"{node.name!r}, made at {node.location}," if node.location else repr(node.name)
