"""Statuses of jobs that were never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.factory import PythonEnvironmentFactory
from stream_engine.configuration import Configuration
from stream_engine.graph.job_graph import job_graph
from stream_engine.status import JobStatus, SubtaskStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.graph.job_graph import JobGraph


def graph_of(build: Callable[[Any], object], parallelism: int = 2) -> JobGraph:
    """The tasks of the plan that ``build`` makes in an environment."""
    configuration = Configuration({"parallelism.default": parallelism})
    executor: Any = None
    env = PythonEnvironmentFactory(executor, configuration).get_execution_environment()
    build(env)
    return job_graph(env.graph, parallelism)


def word_count(env: Any) -> None:
    words = env.read_text_file("/data/text.txt").flat_map(lambda line, out: None)
    words.key_by(lambda word: word).reduce(lambda one, other: one).output()


def status_of(graph: JobGraph, *subtasks: dict[str, Any], **fields: Any) -> JobStatus:
    """``subtasks`` are, task by task, what is known of each of its subtasks."""
    known = [*subtasks, *({} for _ in graph.tasks)]
    tasks = tuple(
        TaskStatus(task, tuple(SubtaskStatus(index, **known[task.id]) for index in range(task.parallelism)))
        for task in graph.tasks
    )
    status = JobStatus("f" * 32, "A job", "RUNNING", 1_700_000_000_000, 1_700_000_010_000, graph, tasks)
    return status._replace(**fields)
