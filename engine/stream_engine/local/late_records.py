"""Late records: workers count those that they drop, and the coordinator reports them."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.local.output import tell
from stream_engine.report import one_line
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.connection import Connection

# Milliseconds between two reports of a worker.
_INTERVAL = 1_000
# A job that takes less time than this (in seconds) reports its late records only once, at its end.
_PATIENCE = 5.0
_HOLD = "source.file.hold-watermarks"


def late_records(subtasks: Iterable[Subtask]) -> dict[int, int]:
    """How many records each operator with windows of event time has dropped, by the operator's id."""
    counts: dict[int, int] = {}
    for subtask in subtasks:
        for operator in subtask.chain.operators:
            if operator.late_records is not None:
                counts[operator.id] = counts.get(operator.id, 0) + operator.late_records
    return counts


class LateReporter:
    """Tells the coordinator how many records the subtasks of a worker have dropped, if that has changed."""

    def __init__(self, control: Connection, subtasks: Iterable[Subtask]) -> None:
        self._control = control
        self._subtasks = list(subtasks)
        self._sent: dict[int, int] = {}
        self._due = 0

    def tick(self, now: int) -> None:
        """Called often; ``now`` in ms."""
        if now >= self._due:
            self._due = now + _INTERVAL
            self.report()

    def report(self) -> None:
        for operator, count in late_records(self._subtasks).items():
            if count != self._sent.get(operator, 0):
                self._sent[operator] = count
                self._control.send(Kind.LATE, operator, str(count).encode())


class LateRecords:
    """Warns of the records that a job's operators drop: once for each while the job runs, and at its end exactly."""

    def __init__(self, graph: JobGraph, configuration: Configuration) -> None:
        self._graph = graph
        self._holds: bool = configuration.get(_HOLD)
        self._began = monotonic()
        # By the worker and the operator.
        self._counts: dict[tuple[int, int], int] = {}
        self._warned: set[int] = set()

    def begin_attempt(self) -> None:
        """New workers continue the counts of the checkpoint."""
        self._counts.clear()

    def on_report(self, worker: int, operator: int, count: int) -> None:
        self._counts[worker, operator] = count

    def tick(self) -> None:
        """Called often while the job runs."""
        if self._counts and monotonic() - self._began >= _PATIENCE:
            self._tell(" so far", lambda operator: operator not in self._warned)

    def close(self) -> None:
        """The job has ended: reports the final counts."""
        self._tell("", lambda operator: True)

    def _tell(self, when: str, concerns: Callable[[int], bool]) -> None:
        for task in self._graph.tasks:
            for node in task.operators:
                count = sum(each for (_, operator), each in self._counts.items() if operator == node.id)
                if count and concerns(node.id):
                    remedy = "" if node.id in self._warned else f": {self._remedy(task)}"
                    tell(f"{_named(node)} dropped {count_of(count)}{when}{remedy}")
                    self._warned.add(node.id)

    def _remedy(self, task: Task) -> str:
        known = "allowed_lateness(ms) keeps windows open for them, side_output_late_data(name) hands them out"
        if self._holds or not self._graph.reads_files(task.id):
            return known
        return f"files whose records are of the same time lose none with -D {_HOLD}=true; {known}"


def count_of(records: int) -> str:
    """For example ``49,000 late records``."""
    return f"{records:,} late {'record' if records == 1 else 'records'}"


def _named(node: StreamNode) -> str:
    made = f", made at {node.location}," if node.location else ""
    return f"'{one_line(node.name)}'{made}"
