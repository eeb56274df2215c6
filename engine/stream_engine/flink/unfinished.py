"""Which subtasks of a job have not reported their end: no record is to be lost in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.flink.elements import ElementReader
from stream_engine.report import one_line
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph


class Unfinished:
    """Those of ``plan``. Picklable: of a job that nobody waits for, the cluster itself counts them."""

    def __init__(self, plan: JobGraph) -> None:
        self._tasks = {task.id: (one_line(task.name), task.parallelism) for task in plan.tasks}
        self._reader = ElementReader()
        self._left = {(task.id, index) for task in plan.tasks for index in range(task.parallelism)}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._left)

    def __contains__(self, place: tuple[int, int]) -> bool:
        """Whether that subtask of that task is one."""
        return place in self._left

    def finish(self, task: int, subtask: int) -> None:
        """That subtask, counted from 0, has reported its end; it may have done so before."""
        self._left.discard((task, subtask))

    def take(self, element: bytes) -> None:
        """Takes an element of the reports."""
        for kind, task, subtask, _ in self._reader.read(element):
            if kind == Kind.FINISHED:
                self.finish(task, subtask)

    def __str__(self) -> str:
        """What is to be said of a job that has ended."""
        task, index = min(self._left)
        name, parallelism = self._tasks[task]
        return (
            f"The job ended on the Flink cluster, but {len(self._left)} of its subtasks did not: its results are not "
            "complete. Look at the logs of the TaskManagers.\n"
            f"  the first is subtask {index + 1} of {parallelism} of '{name}'"
        )
