"""The runtime context of a rich function: where it runs, its state, accumulators and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from stream_engine.beans import with_properties
from stream_engine.configuration.options import OBJECT_REUSE
from stream_engine.operators.state import (
    AggregatingState,
    KeyedStates,
    ListState,
    MapState,
    ReducingState,
    ValueState,
)

if TYPE_CHECKING:
    from stream_engine.accumulators import DoubleCounter, IntCounter, LongCounter
    from stream_engine.configuration import Configuration
    from stream_engine.metrics import MetricGroup, Metrics
    from stream_engine.operators.accumulators import Accumulators, OwnAccumulators
    from stream_engine.operators.execution_config import ExecutionConfig

CounterT = TypeVar("CounterT")


class Place(Protocol):
    """Where functions run: in subtask ``index`` (from 0) of a job that was restarted ``attempt`` times.

    All functions of the subtask share the accumulators and metrics.
    """

    index: int
    attempt: int
    configuration: Configuration
    accumulators: Accumulators
    metrics: Metrics


@with_properties
class RuntimeContext:
    """The subtask that a function belongs to. Index from 0; camelCase names are those of Flink's API."""

    def __init__(
        self, name: str, place: Place, parallelism: int, states: KeyedStates, accumulators: OwnAccumulators
    ) -> None:
        self._name = name
        self._place = place
        self._index = place.index
        self._parallelism = parallelism
        self._states = states
        self._accumulators = accumulators

    def get_task_name(self) -> str:
        return self._name

    def get_index_of_this_subtask(self) -> int:
        return self._index

    def get_number_of_parallel_subtasks(self) -> int:
        return self._parallelism

    def get_task_name_with_subtasks(self) -> str:
        """For example ``Tokenizer (2/4)``, counted from 1."""
        return f"{self._name} ({self._index + 1}/{self._parallelism})"

    def get_attempt_number(self) -> int:
        """How often the job was restarted."""
        return self._place.attempt

    def get_max_number_of_parallel_subtasks(self) -> int:
        from stream_engine.operators.execution_config import MAX_PARALLELISM

        return MAX_PARALLELISM

    def get_execution_config(self) -> ExecutionConfig:
        from stream_engine.operators.execution_config import ExecutionConfig

        return ExecutionConfig(self._place.configuration)

    def get_metric_group(self) -> MetricGroup:
        """Counters, gauges, meters and histograms, shown with the metrics of the job."""
        from stream_engine.metrics import MetricGroup

        return MetricGroup(self._place.metrics, self._name)

    getAttemptNumber = get_attempt_number
    getMaxNumberOfParallelSubtasks = get_max_number_of_parallel_subtasks
    getExecutionConfig = get_execution_config
    getMetricGroup = get_metric_group
    getTaskName = get_task_name
    getIndexOfThisSubtask = get_index_of_this_subtask
    getNumberOfParallelSubtasks = get_number_of_parallel_subtasks
    getTaskNameWithSubtasks = get_task_name_with_subtasks

    # --- keyed state: from open() on; see KeyedStates for what is raised ----------------------------------------------

    def get_state(self, descriptor: Any) -> ValueState:
        return self._states.state(ValueState, descriptor, "default")

    def get_list_state(self, descriptor: Any) -> ListState:
        return self._states.state(ListState, descriptor)

    def get_map_state(self, descriptor: Any) -> MapState:
        return self._states.state(MapState, descriptor)

    def get_reducing_state(self, descriptor: Any) -> ReducingState:
        return self._states.state(ReducingState, descriptor, "reduce_function")

    def get_aggregating_state(self, descriptor: Any) -> AggregatingState:
        return self._states.state(AggregatingState, descriptor, "aggregate_function")

    getState = get_state
    getListState = get_list_state
    getMapState = get_map_state
    getReducingState = get_reducing_state
    getAggregatingState = get_aggregating_state

    # --- accumulators ------------------------------------------------------------------------------------------------

    def add_accumulator(self, name: str, accumulator: Any) -> None:
        """Adds ``accumulator`` to the job's result, merged with all others of that name.

        Raises ValueError if this function has added one of that name, TypeError if it is no accumulator or has another
        type than another function's of that name.
        """
        self._accumulators.add(name, accumulator)

    def get_accumulator(self, name: str) -> Any:
        """The accumulator that this function has added as ``name``. Raises ValueError if it has added none."""
        return self._accumulators.get(name)

    def get_int_counter(self, name: str) -> IntCounter:
        """This function's IntCounter ``name``, which is added if there is none.

        Raises TypeError if the accumulator of that name, here or in another function, has another type.
        """
        from stream_engine.accumulators import IntCounter

        return self._counter(name, IntCounter)

    def get_long_counter(self, name: str) -> LongCounter:
        """As ``get_int_counter``."""
        from stream_engine.accumulators import LongCounter

        return self._counter(name, LongCounter)

    def get_double_counter(self, name: str) -> DoubleCounter:
        """As ``get_int_counter``, for a sum of floats."""
        from stream_engine.accumulators import DoubleCounter

        return self._counter(name, DoubleCounter)

    addAccumulator = add_accumulator
    getAccumulator = get_accumulator
    getIntCounter = get_int_counter
    getLongCounter = get_long_counter
    getDoubleCounter = get_double_counter

    def _counter(self, name: str, kind: type[CounterT]) -> CounterT:
        if name not in self._accumulators:
            self.add_accumulator(name, kind())
        counter = self._accumulators.get(name)
        if type(counter) is not kind:
            raise TypeError(
                f"this function's accumulator {name!r} is of type {type(counter).__name__}, not {kind.__name__}: "
                f"get_accumulator({name!r}) returns it"
            )
        return counter


def open_function(
    function: Any, name: str, place: Place, parallelism: int, states: KeyedStates, accumulators: OwnAccumulators
) -> None:
    """Gives a rich function its context and opens it."""
    states.shared = place.configuration.get(OBJECT_REUSE)
    function.setRuntimeContext(RuntimeContext(name, place, parallelism, states, accumulators))
    function.open(place.configuration)


def is_rich(function: Any) -> bool:
    """Whether a function is rich: the engine has to open and close it."""
    return hasattr(function, "setRuntimeContext")
