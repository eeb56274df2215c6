"""Checks that the text outputs of a job do not overwrite each other, or what the job reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from stream_engine.connectors.filesystem import resolve
from stream_engine.connectors.part import part_of
from stream_engine.connectors.text_output import is_result, real_output
from stream_engine.graph.specs import TextFileSink
from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from stream_engine.connectors.filesystem import FileStatus
    from stream_engine.connectors.splits import FileSplit
    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.stream_graph import StreamNode


class _Output(NamedTuple):
    """A sink of text whose ``path``, links followed, is or will be a file or a directory; what is there now."""

    node: StreamNode
    path: str
    status: FileStatus | None
    parallelism: int

    def holds(self, other: _Output) -> bool:
        """Whether ``other`` is another name of the same path, or the path of one of its files."""
        if self.path == other.path or (self.status is not None and self.status.identity == _identity(other.status)):
            return True
        directory = self.path.rstrip(os.sep) + os.sep
        if not other.path.startswith(directory):
            return False
        is_file = self.parallelism == 1 and (self.status is None or not self.status.directory)
        return is_file or _is_written(other.path[len(directory) :].split(os.sep, 1)[0])

    def files(self) -> Iterator[FileStatus]:
        """The files that the sink may overwrite."""
        if self.status is None:
            return
        yield self.status
        if self.status.directory:
            file_system, path = resolve(self.path)
            for name, status in file_system.children(path):
                if status is not None and _is_written(name):
                    yield status


def check_outputs(plan: JobGraph, splits: Mapping[int, Sequence[Sequence[FileSplit]]]) -> None:
    """Raises InvalidProgramException if two sinks would write to one file, or a sink to a file that the job reads.

    ``splits`` has what each source reads. Touches nothing, and ignores invalid paths, which fail when opened.
    """
    outputs = [output for task in plan.tasks for output in _outputs_of(task)]
    for position, output in enumerate(outputs):
        for other in outputs[:position]:
            if output.holds(other) or other.holds(output):
                _refuse("write to", "their lines would be mixed or overwritten", other.node, output)
    written = {file.identity: output for output in outputs for file in output.files()}
    if written:
        for task in plan.tasks:
            for path in {split.path for part in splits.get(task.head.id, ()) for split in part}:
                file_system, resolved = resolve(path)
                identity = _identity(file_system.status(resolved))
                if identity in written:
                    _refuse("read and write", "what is read would be overwritten", task.head, written[identity])


def _outputs_of(task: Task) -> Iterator[_Output]:
    for node in task.operators:
        if isinstance(node.operator, TextFileSink):
            try:
                path = real_output(node.operator.path)
                file_system, _ = resolve(path)
                status = file_system.status(path)
            except (OSError, ValueError):
                continue
            # Several sinks may write to one device or pipe.
            if status is None or status.directory or status.regular:
                yield _Output(node, path, status, task.parallelism)


def _is_written(name: str) -> bool:
    """Whether a sink may write a file of this name into its directory."""
    return is_result(name) or part_of(name) is not None


def _identity(status: FileStatus | None) -> Hashable:
    return status.identity if status is not None else None


def _refuse(what: str, why: str, first: StreamNode, second: _Output) -> NoReturn:
    raise InvalidProgramException(
        f"{first.name!r}, made at {first.location}, and {second.node.name!r}, made at {second.node.location}, {what} "
        f"{second.path}: {why}. Give each a path of its own."
    )
