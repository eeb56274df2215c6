"""The factory that main(factory) gets: it makes environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.current import make_current
from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.api.plan import PartOfPlan
from stream_engine.beans import with_properties
from stream_engine.configuration import Configuration

if TYPE_CHECKING:
    from stream_engine.job import Executor


@with_properties
class PythonEnvironmentFactory(PartOfPlan):
    """Makes environments whose jobs ``executor`` runs, with ``configuration`` for their defaults.

    ``environments`` has those made so far, so that one with an unexecuted plan can be found.
    """

    def __init__(self, executor: Executor, configuration: Configuration) -> None:
        self.environments: list[PythonStreamExecutionEnvironment] = []
        self._executor = executor
        self._configuration = configuration
        make_current(self)

    def get_execution_environment(self) -> PythonStreamExecutionEnvironment:
        return self._made(self._configuration)

    def create_local_execution_environment(
        self, parallelism: Any = None, config: Any = None
    ) -> PythonStreamExecutionEnvironment:
        """``(config)``, ``(parallelism)`` or ``(parallelism, config)``; these win over the launcher's configuration."""
        if config is None and not isinstance(parallelism, int):
            parallelism, config = None, parallelism
        environment = self._made(self._configuration.merge(_configuration(config)))
        return environment if parallelism is None else environment.set_parallelism(parallelism)

    def create_remote_execution_environment(
        self, host: str, port: int, *arguments: Any
    ) -> PythonStreamExecutionEnvironment:
        """Raises InvalidProgramException: jobs run on this machine only, in this version."""
        refuse(
            f"Running on the Flink cluster at {host}:{port} is not part of this version; "
            "get_execution_environment() runs the same plan on this machine's cores."
        )

    def _made(self, configuration: Configuration) -> PythonStreamExecutionEnvironment:
        environment = PythonStreamExecutionEnvironment(self._executor, configuration)
        self.environments.append(environment)
        return environment


def _configuration(config: Any) -> Configuration:
    if config is None:
        return Configuration()
    if isinstance(config, Configuration):
        return config
    if isinstance(config, dict):
        return Configuration(config)
    refuse(f"A Configuration is needed, not {config!r}.")
