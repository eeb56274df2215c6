"""The status of a running job, for those who watch it: its state, and what each subtask has done so far.

All counts and times are totals since the tasks began; the difference of two statuses gives rates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.metrics import MetricValue

# Flink's names.
State = Literal["CREATED", "RUNNING", "RESTARTING", "FINISHED", "FAILED", "CANCELED"]


class Progress(NamedTuple):
    """How far a bounded source has come, in ``unit``: bytes (of files, as they are stored) or records."""

    done: int
    total: int
    unit: Literal["bytes", "records"]


class SubtaskStatus(NamedTuple):
    """One parallel instance of a task.

    ``records_in`` of a source counts the records that it has read. ``records_out`` went to other tasks,
    ``records_written`` into sinks. Bytes are those of frames between workers. The time since it was opened (ms) divides
    into busy, backpressured (waiting for what is downstream) and idle (without input). ``watermark`` is the event time
    of its input (ms; None: none yet), ``queued`` counts the frames that wait for it. ``late`` has the id of every
    operator with event-time windows, and how many records it has dropped as too late since the job began, restarts
    included. A job fails because of the subtasks that have ``failed``.
    """

    subtask: int
    records_in: int = 0
    records_out: int = 0
    records_written: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    busy: int = 0
    backpressured: int = 0
    idle: int = 0
    watermark: int | None = None
    queued: int = 0
    progress: Progress | None = None
    finished: bool = False
    failed: bool = False
    # The metrics of its functions.
    metrics: tuple[MetricValue, ...] = ()
    late: tuple[tuple[int, int], ...] = ()
    # Of an endless source that can tell: how many records there are that it has still to read.
    lag: int | None = None

    @property
    def late_records(self) -> int:
        return sum(count for _, count in self.late)


class TaskStatus(NamedTuple):
    """A task with its ``parallelism`` subtasks."""

    task: Task
    subtasks: tuple[SubtaskStatus, ...]
    # The progress of the whole task, if that is known; otherwise the sum of the subtasks'.
    known_progress: Progress | None = None

    @property
    def id(self) -> int:
        return self.task.id

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.task.operators)

    @property
    def parallelism(self) -> int:
        return self.task.parallelism

    @property
    def records_in(self) -> int:
        return sum(subtask.records_in for subtask in self.subtasks)

    @property
    def records_out(self) -> int:
        return sum(subtask.records_out for subtask in self.subtasks)

    @property
    def records_written(self) -> int:
        return sum(subtask.records_written for subtask in self.subtasks)

    @property
    def late_records(self) -> int:
        """Dropped as too late for their windows."""
        return sum(subtask.late_records for subtask in self.subtasks)

    @property
    def lag(self) -> int | None:
        """How many records the source has still to read; None where nobody can tell."""
        known = [subtask.lag for subtask in self.subtasks if subtask.lag is not None]
        return sum(known) if known else None

    @property
    def watermark(self) -> int | None:
        """The watermark of the slowest subtask; None while one has none."""
        marks = [subtask.watermark for subtask in self.subtasks if not subtask.finished]
        return None if None in marks or not marks else min(mark for mark in marks if mark is not None)

    @property
    def finished(self) -> bool:
        return all(subtask.finished for subtask in self.subtasks)

    @property
    def failed(self) -> bool:
        return any(subtask.failed for subtask in self.subtasks)

    @property
    def progress(self) -> Progress | None:
        """How much is done; None if the end is unknown."""
        parts = [subtask.progress for subtask in self.subtasks]
        known = [part for part in parts if part is not None]
        if self.known_progress is not None or len(known) < len(parts):
            return self.known_progress
        return Progress(sum(part.done for part in known), sum(part.total for part in known), known[0].unit)


class CheckpointStatus(NamedTuple):
    """``state`` is Flink's. ``started`` in ms since the epoch, ``duration`` in ms, ``size`` in bytes."""

    id: int
    state: Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
    started: int
    duration: int | None = None
    size: int | None = None
    savepoint: bool = False


class JobStatus(NamedTuple):
    """A job at ``time``; times are in ms since the epoch. ``error`` is the last report of a failure, as text.

    ``checkpoints`` has the last ones, including savepoints, the newest last; ``older_checkpoints`` counts the completed
    and failed ones before them. One is taken every ``checkpoint_interval`` ms; 0: only savepoints are taken. Counts of
    subtasks begin anew with each restart.
    """

    job_id: str
    name: str
    state: State
    started: int
    time: int
    graph: JobGraph
    tasks: tuple[TaskStatus, ...]
    checkpoints: tuple[CheckpointStatus, ...] = ()
    older_checkpoints: tuple[int, int] = (0, 0)
    checkpoint_interval: int = 0
    restarts: int = 0
    error: str | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("FINISHED", "FAILED", "CANCELED")

    @property
    def completed_checkpoints(self) -> int:
        return self.older_checkpoints[0] + sum(each.state == "COMPLETED" for each in self.checkpoints)

    @property
    def failed_checkpoints(self) -> int:
        return self.older_checkpoints[1] + sum(each.state == "FAILED" for each in self.checkpoints)

    @property
    def records_read(self) -> int:
        """The records that all sources have read."""
        return sum(task.records_in for task in self.tasks if task.task.head.is_source)

    @property
    def records_written(self) -> int:
        """The records that all sinks have written."""
        return sum(task.records_written for task in self.tasks)

    @property
    def late_records(self) -> int:
        """Dropped as too late for their windows."""
        return sum(task.late_records for task in self.tasks)


class Observer(Protocol):
    """Watches jobs. An exception that it raises ends the job."""

    def on_status(self, status: JobStatus) -> None:
        """Called when the job's state changes and, while it runs, some times a second; in the job's own thread."""
        ...
