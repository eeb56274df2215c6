"""What is asked of a cluster, and of a job there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.configuration import Configuration
    from stream_engine.flink.plan import FlinkJob
    from stream_engine.graph.job_graph import JobGraph


class Submitted(Protocol):
    """A job that a cluster has accepted."""

    id: str
    page: str
    """Where people can look at it."""

    def reports(self) -> Iterator[bytes]:
        """The elements that its subtasks report with, until it ends. Raises JobExecutionException when it fails."""
        ...

    def statuses(self) -> dict[tuple[int, int], bytes]:
        """The newest of each task and subtask since the last call, of those that do not come with the reports."""
        ...

    def complete(self) -> None:
        """All subtasks have finished: lets a job end whose sources are driven without end."""
        ...

    def savepoint(self, directory: str, stop: bool) -> str:
        """Takes a savepoint in ``directory``, and then perhaps stops the job; returns its path. Raises OSError."""
        ...

    def cancel(self) -> None:
        """Stops it; ``reports`` ends then. Returns at once. May be called by a signal handler."""
        ...

    def leave(self, at_once: bool = False) -> None:
        """Nobody reads its reports any more: stops it, and says where it is if it goes on.

        ``at_once``: nobody waits for that either.
        """
        ...


class Cluster(Protocol):
    """Where jobs run."""

    def check(self, plan: JobGraph, configuration: Configuration) -> None:
        """Raises ClusterUnusable when the plan cannot run there."""
        ...

    def submit(self, job: FlinkJob, configuration: Configuration, commit: Callable[[], None]) -> Submitted:
        """Calls ``commit`` right before the job is there, which may raise what stops it.

        Raises ClusterUnusable, or JobExecutionException for a job that the cluster refuses.
        """
        ...
