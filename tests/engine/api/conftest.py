from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from stream_engine.api.factory import PythonEnvironmentFactory
from stream_engine.configuration import Configuration
from stream_engine.job import JobExecutionResult

if TYPE_CHECKING:
    from stream_engine.api.environment import PythonStreamExecutionEnvironment
    from stream_engine.graph.stream_graph import StreamGraph


class Job(NamedTuple):
    graph: StreamGraph
    configuration: Configuration
    name: str


class RecordingExecutor:
    """Runs nothing, and remembers what it was asked to run."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        self.jobs.append(Job(graph, configuration, job_name))
        return JobExecutionResult("0" * 32, job_name, 0, {})


@pytest.fixture
def executor() -> RecordingExecutor:
    return RecordingExecutor()


@pytest.fixture
def factory(executor: RecordingExecutor) -> PythonEnvironmentFactory:
    return PythonEnvironmentFactory(executor, Configuration({"parallelism.default": 2, "pipeline.name": "unnamed"}))


@pytest.fixture
def env(factory: PythonEnvironmentFactory) -> PythonStreamExecutionEnvironment:
    return factory.get_execution_environment()


@pytest.fixture
def words(env: Any) -> Any:
    return env.from_elements("to", "be", "or")
