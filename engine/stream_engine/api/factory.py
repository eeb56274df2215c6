"""The factory that main(factory) gets: it makes environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.addresses import check_address
from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.current import make_current
from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.api.plan import PartOfPlan
from stream_engine.beans import with_properties
from stream_engine.configuration import Configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream_engine.job import Executor


@with_properties
class PythonEnvironmentFactory(PartOfPlan):
    """Makes environments whose jobs ``executor`` runs, with ``configuration`` for their defaults.

    ``remote`` makes the executor of a Flink cluster, from its host, port and the jars that its jobs need.
    ``environments`` has those made so far, so that one with an unexecuted plan can be found.
    """

    def __init__(
        self,
        executor: Executor,
        configuration: Configuration,
        remote: Callable[[str, int, Sequence[str]], Executor] | None = None,
    ) -> None:
        self.environments: list[PythonStreamExecutionEnvironment] = []
        self._executor = executor
        self._remote = remote
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
        """Jobs run on the Flink cluster whose REST interface is at ``host`` and ``port``.

        ``arguments`` are ``(*jars)``, ``(parallelism, *jars)`` or ``(config, *jars)``: the paths of jars that the
        cluster needs for the job, and what wins over the launcher's configuration.
        """
        check_address(host, port)
        jars = [str(each) for each in arguments if isinstance(each, str)]
        others = [each for each in arguments if not isinstance(each, str)]
        if self._remote is None:
            refuse(f"Nothing here can run jobs on the Flink cluster at {host}:{port}: run the script by the launcher.")
        if len(others) > 1:
            refuse(f"create_remote_execution_environment() takes a parallelism or a Configuration, not {others!r}.")
        parallelism = others[0] if others and isinstance(others[0], int) else None
        config = others[0] if others and parallelism is None else None
        configuration = self._configuration.merge(_configuration(config))
        environment = self._made(configuration, self._remote(host, port, jars))
        return environment if parallelism is None else environment.set_parallelism(parallelism)

    def _made(self, configuration: Configuration, executor: Executor | None = None) -> PythonStreamExecutionEnvironment:
        environment = PythonStreamExecutionEnvironment(executor or self._executor, configuration)
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
