"""Looks at a job's files before a worker starts: what is to be read must be there, and what is to be written must not.

An error found here has damaged nothing and read no record.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from stream_engine.graph.operators import TextFileSink, TextFileSource
from stream_engine.job import InvalidProgramException, JobExecutionException
from stream_engine.local.output import tell
from stream_engine.report import one_line

if TYPE_CHECKING:
    from collections.abc import Collection

    from stream_engine.connectors.splits import FileSplit
    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.stream_graph import StreamNode

# By operator, then by subtask.
Splits = dict[int, list[list["FileSplit"]]]


def prepare_files(plan: JobGraph, job_id: str, resumed: Collection[str] = ()) -> tuple[JobGraph, Splits]:
    """The plan with the paths that its workers are to write to, and what each source is to read.

    The operators whose uids are ``resumed`` go on with the results that are there.
    Raises JobExecutionException for a path that cannot be used, with the operator that it was for.
    """
    splits: Splits = {}
    for task in plan.tasks:
        operator = task.head.operator
        if isinstance(operator, TextFileSource):
            # Here and below: jobs without files start sooner.
            from stream_engine.connectors.splits import list_splits

            try:
                splits[task.head.id] = list_splits(operator.path, task.parallelism, operator.charset, _tell_of_skipped)
            except (OSError, ValueError) as error:
                raise _located(error, task.head, job_id) from error
    # Only when all inputs are there: an earlier result may be about to be deleted.
    tasks = tuple(_with_outputs(task, job_id, resumed) for task in plan.tasks)
    return plan._replace(tasks=tasks), splits


def check_spill_directory(directories: tuple[str, ...]) -> None:
    """Whether what does not fit into memory can go there. Raises InvalidProgramException when it cannot."""
    if not directories:
        return
    if not os.path.isdir(directories[0]) or not os.access(directories[0], os.W_OK | os.X_OK):
        raise InvalidProgramException(f"io.tmp.dirs: {directories[0]} is not a directory that can be written to.")


def _with_outputs(task: Task, job_id: str, resumed: Collection[str]) -> Task:
    operators = (_with_output(node, task.parallelism, job_id, node.uid in resumed) for node in task.operators)
    return task._replace(operators=tuple(operators))


def _with_output(node: StreamNode, parallelism: int, job_id: str, resumed: bool) -> StreamNode:
    sink = node.operator
    if not isinstance(sink, TextFileSink):
        return node
    from stream_engine.connectors.text_writer import prepare_output, resume_output

    try:
        if resumed:
            path = resume_output(sink.path, parallelism)
        else:
            path = prepare_output(sink.path, parallelism, sink.overwrite)
    except (OSError, ValueError) as error:
        raise _located(error, node, job_id) from error
    return replace(node, operator=sink._replace(path=path))


def _tell_of_skipped(path: str) -> None:
    tell(f"Warning: {one_line(path)} is not read: it is a link that leads nowhere, or to itself")


def _located(error: Exception, node: StreamNode, job_id: str) -> JobExecutionException:
    made = f", made at {node.location}" if node.location else ""
    return JobExecutionException(f"{error}\n  in operator '{one_line(node.name)}'{made}", job_id)
