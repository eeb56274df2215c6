"""The environment, where a plan begins and is executed: sources, defaults, and ``execute``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.addresses import check_address
from stream_engine.api.capture.snapshot import keeps_state, refuse, snapshot
from stream_engine.api.checkpointing import CheckpointConfig, CheckpointingMode
from stream_engine.api.current import current_factory
from stream_engine.api.elements import collection_source
from stream_engine.api.files import location_of
from stream_engine.api.functions import ConnectorSource, ParallelSourceFunction, SourceFunction
from stream_engine.api.plan import PartOfPlan, Plan
from stream_engine.api.settings import check_parallelism
from stream_engine.api.streams import DataStream
from stream_engine.api.time import TimeCharacteristic
from stream_engine.beans import with_properties
from stream_engine.configuration.options import BUFFER_TIMEOUT, DEFAULT_PARALLELISM, JOB_NAME
from stream_engine.graph.specs import Map, PythonSource, SequenceSource, SocketTextSource, TextFileSource
from stream_engine.graph.stream_graph import Upstream

if TYPE_CHECKING:
    from stream_engine.api.restart import RestartStrategyConfiguration
    from stream_engine.configuration import Configuration
    from stream_engine.graph.specs import Source
    from stream_engine.graph.stream_graph import StreamGraph
    from stream_engine.job import Executor, JobExecutionResult


@with_properties
class PythonStreamExecutionEnvironment(PartOfPlan):
    """Makes sources, keeps the plan that their streams build, and executes it.

    All methods raise InvalidProgramException, at the script's line, for arguments that cannot work.
    """

    def __init__(self, executor: Executor, configuration: Configuration) -> None:
        self._executor = executor
        self._configuration = configuration.copy()
        self._plan = Plan()
        self.executed = False

    @property
    def graph(self) -> StreamGraph:
        """What the next ``execute`` will run."""
        return self._plan.graph

    # --- older scripts, whose main() is not given a factory ---

    @staticmethod
    def get_execution_environment() -> PythonStreamExecutionEnvironment:
        return current_factory().get_execution_environment()

    @staticmethod
    def create_local_execution_environment(*arguments: Any) -> PythonStreamExecutionEnvironment:
        return current_factory().create_local_execution_environment(*arguments)

    @staticmethod
    def create_remote_execution_environment(host: str, port: int, *arguments: Any) -> PythonStreamExecutionEnvironment:
        return current_factory().create_remote_execution_environment(host, port, *arguments)

    # --- sources ---

    def create_python_source(self, function: Any) -> DataStream:
        """The records that ``run(ctx)`` collects; one instance, unless it is a ParallelSourceFunction.

        With ``snapshot_state()`` and ``restore_state(state)`` it resumes from a checkpoint after a failure.
        It may also be a connector of the engine's own, such as a FlinkKafkaConsumer.
        """
        if isinstance(function, ConnectorSource):
            return self._source(*function.described())
        source = snapshot(function, "run", SourceFunction, ("ctx",))
        parallel = isinstance(function, ParallelSourceFunction)
        return self._source(PythonSource(source, parallel, keeps_state(function)), f"Source: {source.label}")

    add_source = add_java_source = create_python_source

    def from_elements(self, *elements: Any) -> DataStream:
        """The arguments, each a record, as they are now."""
        return self._source(collection_source(elements), "Source: from_elements")

    def from_collection(self, collection: Any) -> DataStream:
        """The elements of a collection as they are now; a generator or PythonIterator is read when the job runs."""
        return self._source(collection_source(collection), "Source: from_collection")

    def generate_sequence(self, start: int, end: int) -> DataStream:
        """The integers from ``start`` to ``end``, both included, made in parallel."""
        if not isinstance(start, int) or not isinstance(end, int):
            refuse(f"generate_sequence() takes two integers, not {start!r} and {end!r}.")
        if start > end:
            refuse(f"generate_sequence() counts upwards, but {start} is greater than {end}.")
        return self._source(SequenceSource(start, end), f"Source: {start}..{end}")

    def read_text_file(self, path: Any, charset: str = "utf-8") -> DataStream:
        """The lines, without their ends, of a file, of the files in a directory, or of those that a glob matches."""
        location = location_of(path)
        return self._source(TextFileSource(location, charset), f"Source: {location}")

    read_text = read_text_file

    def socket_text_stream(self, host: str, port: int) -> DataStream:
        """The lines that a TCP server sends."""
        check_address(host, port)
        return self._source(SocketTextSource(host, port), f"Source: {host}:{port}")

    # --- settings, each returning the environment ---

    def set_parallelism(self, parallelism: int) -> PythonStreamExecutionEnvironment:
        """The number of instances of each operator that sets none itself."""
        check_parallelism(parallelism)
        self._configuration.set(DEFAULT_PARALLELISM, parallelism)
        return self

    def get_parallelism(self) -> int:
        return self._configuration.get(DEFAULT_PARALLELISM)

    def set_stream_time_characteristic(self, characteristic: TimeCharacteristic) -> PythonStreamExecutionEnvironment:
        """The clock for the time windows that are made from now on."""
        if not isinstance(characteristic, TimeCharacteristic):
            refuse(f"A TimeCharacteristic is needed, such as TimeCharacteristic.EventTime, not {characteristic!r}.")
        self._plan.time_characteristic = characteristic
        return self

    def get_stream_time_characteristic(self) -> TimeCharacteristic:
        return self._plan.time_characteristic

    def set_buffer_timeout(self, timeout: int) -> PythonStreamExecutionEnvironment:
        """For how many ms a record may wait for others to travel with; 0: not at all, -1: until a buffer is full."""
        self._configuration.set(BUFFER_TIMEOUT, timeout)
        return self

    def enable_checkpointing(
        self, interval: Any, mode: CheckpointingMode = CheckpointingMode.EXACTLY_ONCE
    ) -> PythonStreamExecutionEnvironment:
        """Lets jobs take checkpoints, every ``interval`` (ms, or a Time), and resume from them after a failure."""
        settings = self.get_checkpoint_config()
        settings.set_checkpoint_interval(interval)
        settings.set_checkpointing_mode(mode)
        return self

    def get_checkpoint_config(self) -> CheckpointConfig:
        return CheckpointConfig(self._configuration)

    def set_restart_strategy(self, strategy: RestartStrategyConfiguration) -> PythonStreamExecutionEnvironment:
        """Sets what happens when a job fails: a strategy of RestartStrategies."""
        from stream_engine.api.restart import RestartStrategyConfiguration

        if not isinstance(strategy, RestartStrategyConfiguration):
            refuse(f"A strategy is needed, such as RestartStrategies.fixed_delay_restart(3, 1000), not {strategy!r}.")
        for key, value in strategy.options.items():
            self._configuration.set(key, value)
        return self

    # --- execution ---

    def execute(self, job_name: str | bool | None = None, local: bool = True) -> JobExecutionResult:
        """Runs the plan to its end; the environment then begins a new one.

        Older scripts say whether the job is ``local``, even as the only argument; it always is. Raises
        JobExecutionException when the job failed, InvalidProgramException when there is nothing to run.
        """
        self._check_begun()
        _warn_of_nothing(self.graph)
        configuration = self._configuration.copy()
        name = str(job_name) if job_name and job_name is not True else configuration.get(JOB_NAME)
        self.executed = True
        return self._executor.execute(self._plan.take(), configuration, name)

    def get_execution_plan(self) -> str:
        """What the next ``execute()`` would run, as the JSON that Flink's plan visualizer draws; runs nothing.

        Raises InvalidProgramException when there is nothing to run, or what there is cannot be run.
        """
        from stream_engine.graph.job_graph import job_graph
        from stream_engine.graph.render import render

        self._check_begun()
        return render(job_graph(self.graph, self.get_parallelism()), self._configuration.get(JOB_NAME), "json")

    getExecutionPlan = get_execution_plan

    def _check_begun(self) -> None:
        if not self.graph.nodes:
            since = "since the last execute()" if self.executed else "in this environment"
            refuse(f"There is nothing to execute: no source was made {since}.")

    def _source(self, source: Source, name: str) -> DataStream:
        node = self._plan.add(source, name)
        return DataStream(self._plan, (Upstream(node.id),), node)


def _warn_of_nothing(graph: StreamGraph) -> None:
    """Warns of functions that can only return None, unless nothing reads their results."""
    for node in graph.nodes:
        if isinstance(node.operator, Map) and node.operator.function.returns_nothing and graph.outputs(node.id):
            import warnings

            function, at = node.operator.function, node.location
            call = f"{function.label}.{function.method}(value)" if function.method else f"{function.label}(value)"
            text = f"{call} has no return, so every record after it is None: give it one"
            warnings.warn_explicit(text, UserWarning, at.file if at else "", at.line if at else 0)
