"""Jobs that somebody watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.factory import PythonEnvironmentFactory
from stream_engine.configuration import Configuration
from stream_engine.local.executor import LocalExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.api.environment import PythonStreamExecutionEnvironment
    from stream_engine.local.forkserver.client import ForkServer
    from stream_engine.status import JobStatus, TaskStatus


class Watched:
    """Jobs whose statuses are kept, after ``look`` has seen them."""

    def __init__(self, server: ForkServer) -> None:
        self.statuses: list[JobStatus] = []
        self.look: Callable[[JobStatus], None] = lambda status: None
        self._executor = LocalExecutor(server, observers=[self])

    def on_status(self, status: JobStatus) -> None:
        self.look(status)
        self.statuses.append(status)

    def environment(self, parallelism: int = 1, **options: Any) -> PythonStreamExecutionEnvironment:
        named = {name.replace("__", ".").replace("_", "-"): value for name, value in options.items()}
        configuration = Configuration({"parallelism.default": parallelism, **named})
        return PythonEnvironmentFactory(self._executor, configuration).get_execution_environment()

    def task(self, operator: str) -> TaskStatus:
        """The last status of the task that has the operator."""
        return next(task for task in self.statuses[-1].tasks if operator in task.operators)
