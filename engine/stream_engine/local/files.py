"""Checks a job's files before a worker starts: inputs must exist, and outputs must not.

An error that is found here has damaged nothing and read no record.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from stream_engine.graph.specs import TextFileSink, TextFileSource
from stream_engine.job import InvalidProgramException, JobExecutionException
from stream_engine.local.output import tell
from stream_engine.report import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from stream_engine.connectors.splits import FileSplit
    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.operators.sinks import WrittenFiles

# By operator, then by subtask.
Splits = dict[int, list[list["FileSplit"]]]


class CheckedFiles(NamedTuple):
    """The files of a job, which can be used, and are not touched before ``prepare`` is called.

    ``plan`` has the paths for its workers to write to, ``splits`` what each source reads. ``prepare`` raises what
    ``check_files`` does, of what has changed since.
    """

    plan: JobGraph
    splits: Splits
    prepare: Callable[[], None]


def prepare_files(
    plan: JobGraph,
    job_id: str,
    written: Mapping[str, WrittenFiles] | None = None,
    lenient: bool = False,
    checkpointed: bool = False,
) -> tuple[JobGraph, Splits]:
    """As ``check_files``, and prepares the outputs at once; gives the plan and the splits."""
    checked = check_files(plan, job_id, written, lenient, checkpointed)
    checked.prepare()
    return checked.plan, checked.splits


def check_files(
    plan: JobGraph,
    job_id: str,
    written: Mapping[str, WrittenFiles] | None = None,
    lenient: bool = False,
    checkpointed: bool = False,
) -> CheckedFiles:
    """Checks all files of the job, and touches none.

    The sinks whose uids are in ``written`` resume with those files. A sink that now has another path is refused or, if
    ``lenient``, begins anew there. In a job that is ``checkpointed``, sinks on stores whose files cannot be cut write
    part files.
    Raises JobExecutionException for a path that cannot be used, with its operator, and InvalidProgramException for one
    that is used twice.
    """
    splits: Splits = {}
    for task in plan.tasks:
        operator = task.head.operator
        if isinstance(operator, TextFileSource):
            # Imported here and below, so that jobs without files start sooner.
            from stream_engine.connectors.splits import list_splits

            with _located(task.head, job_id):
                splits[task.head.id] = list_splits(operator.path, task.parallelism, operator.charset, _tell_of_skipped)
    sinks = [(node, task) for task in plan.tasks for node in task.operators if isinstance(node.operator, TextFileSink)]
    if not sinks:
        return CheckedFiles(plan, splits, _nothing)
    from stream_engine.local.outputs import check_outputs

    check_outputs(plan, splits)
    resumed = {
        node.id
        for node, task in sinks
        if _checked(node, task.parallelism, job_id, (written or {}).get(node.uid or ""), lenient, checkpointed)
    }
    # A directory before the files in it.
    sinks.sort(key=lambda sink: _real_path(sink[0]))
    given = {node.id: _given(node, job_id, node.id in resumed or checkpointed) for node, _ in sinks}

    def prepare() -> None:
        for node, task in sinks:
            _prepare(node, task.parallelism, job_id, node.id in resumed, checkpointed)

    return CheckedFiles(plan._replace(tasks=tuple(_with_sinks(task, given) for task in plan.tasks)), splits, prepare)


def _nothing() -> None:
    """Nothing is to be prepared."""


def check_spill_directory(directories: tuple[str, ...]) -> None:
    """Raises InvalidProgramException if records that memory does not hold cannot be written to io.tmp.dirs."""
    if not directories:
        return
    if not os.path.isdir(directories[0]) or not os.access(directories[0], os.W_OK | os.X_OK):
        raise InvalidProgramException(f"io.tmp.dirs: {directories[0]} is not a directory that can be written to.")


def _checked(
    node: StreamNode, parallelism: int, job_id: str, files: WrittenFiles | None, lenient: bool, checkpointed: bool
) -> bool:
    """Whether a text sink resumes with ``files``; otherwise it begins anew."""
    from stream_engine.connectors.text_output import check_output, check_resumed, real_output

    sink = node.operator
    assert isinstance(sink, TextFileSink)
    with _located(node, job_id):
        if files is not None and files.path not in (None, real_output(sink.path)):
            if not lenient:
                raise ValueError(
                    f"the checkpoint counts what the sink wrote to {files.path}, but its path is now "
                    f"{real_output(sink.path)}: give it the former path, or let it begin anew at this one with "
                    "--allow-non-restored-state; nothing was changed"
                )
            files = None
        if (files is not None or checkpointed) and _in_parts(sink.path):
            from stream_engine.connectors.part_output import check_parts_output, check_resumed_parts

            if files is not None:
                check_resumed_parts(sink.path, files.sizes)
            else:
                check_parts_output(sink.path, sink.overwrite)
        elif files is not None:
            check_resumed(sink.path, files.sizes)
        else:
            check_output(sink.path, parallelism, sink.overwrite)
    return files is not None


def _real_path(node: StreamNode) -> str:
    from stream_engine.connectors.text_output import real_output

    assert isinstance(node.operator, TextFileSink)
    return real_output(node.operator.path)


def _in_parts(path: str) -> bool:
    """Whether what is written to a path cannot be cut back to what a checkpoint counts."""
    from stream_engine.connectors.filesystem import resolve

    return not resolve(path)[0].truncates


def _given(node: StreamNode, job_id: str, counted: bool) -> TextFileSink:
    """The sink with the path that its writers are to be given; ``counted``: a checkpoint may count what it writes."""
    sink = node.operator
    assert isinstance(sink, TextFileSink)
    with _located(node, job_id):
        if counted and _in_parts(sink.path):
            from stream_engine.connectors.filesystem import resolve

            return sink._replace(path=resolve(sink.path)[1], parts=True)
        return sink._replace(path=_real_path(node))


def _prepare(node: StreamNode, parallelism: int, job_id: str, resumed: bool, checkpointed: bool) -> None:
    """Makes what the writers of the sink need."""
    from stream_engine.connectors.text_output import prepare_output, resume_output

    sink = node.operator
    assert isinstance(sink, TextFileSink)
    with _located(node, job_id):
        if (resumed or checkpointed) and _in_parts(sink.path):
            from stream_engine.connectors.part_output import prepare_parts_output, resume_parts_output

            if resumed:
                resume_parts_output(sink.path)
            else:
                prepare_parts_output(sink.path, sink.overwrite)
        elif resumed:
            resume_output(sink.path, parallelism)
        else:
            prepare_output(sink.path, parallelism, sink.overwrite)


def _with_sinks(task: Task, sinks: Mapping[int, TextFileSink]) -> Task:
    """The task with these sinks, by the ids of their operators."""
    operators = (replace(node, operator=sinks[node.id]) if node.id in sinks else node for node in task.operators)
    return task._replace(operators=tuple(operators))


def _tell_of_skipped(path: str) -> None:
    tell(f"Warning: {one_line(path)} is not read: it is a link that leads nowhere, or to itself")


@contextmanager
def _located(node: StreamNode, job_id: str) -> Iterator[None]:
    """Turns errors of the file system and of paths into the job's, with the operator that the file is for."""
    try:
        yield
    except (OSError, ValueError) as error:
        made = f", made at {node.location}" if node.location else ""
        raise JobExecutionException(f"{error}\n  in operator '{one_line(node.name)}'{made}", job_id) from error
