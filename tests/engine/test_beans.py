"""Java's properties, as Jython has them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from stream_engine.accumulators import IntCounter
from stream_engine.api.checkpointing import CheckpointConfig
from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.api.factory import PythonEnvironmentFactory
from stream_engine.api.functions import RichMapFunction
from stream_engine.api.parameters import ParameterTool
from stream_engine.beans import with_properties
from stream_engine.configuration import Configuration
from stream_engine.job import JobExecutionException, JobExecutionResult
from stream_engine.operators.context import RuntimeContext
from stream_engine.task.source_functions import SourceContext


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (JobExecutionResult, "jobName netRuntime allAccumulatorResults"),
        (JobExecutionException, "jobId"),
        (RuntimeContext, "taskName indexOfThisSubtask numberOfParallelSubtasks taskNameWithSubtasks metricGroup"),
        (SourceContext, "checkpointLock"),
        (PythonEnvironmentFactory, "executionEnvironment"),
        (PythonStreamExecutionEnvironment, "parallelism executionPlan checkpointConfig streamTimeCharacteristic"),
        (CheckpointConfig, "checkpointInterval checkpointingEnabled checkpointTimeout checkpointingMode"),
        (ParameterTool, "properties configuration numberOfParameters"),
    ],
)
def test_what_is_handed_out_has_a_property_for_each_getter(kind: type, names: str) -> None:
    assert [name for name in names.split() if not hasattr(kind, name)] == []
    assert not {"state", "accumulator", "string", "int"} & set(dir(kind)), "getters with arguments are none"


def test_a_property_calls_the_getter_of_the_object() -> None:
    result = JobExecutionResult("f" * 32, "a job", 7, {})
    assert (result.netRuntime, result.jobName, result.jobId) == (7, "a job", "f" * 32)  # pyright: ignore[reportAttributeAccessIssue]
    assert IntCounter(5).localValue == 5  # pyright: ignore[reportAttributeAccessIssue]


def test_a_property_with_a_setter_can_be_assigned_to() -> None:
    executor: Any = None
    env: Any = PythonEnvironmentFactory(executor, Configuration()).get_execution_environment()
    env.parallelism = 3
    assert env.get_parallelism() == 3
    env.checkpointConfig.checkpointInterval = 500
    assert env.checkpointConfig.checkpointInterval == 500


class Mine(RichMapFunction):
    def open(self, config: Any) -> None:
        self.runtimeContext = self.getRuntimeContext()


def test_functions_may_still_call_attributes_like_properties() -> None:
    function = pickle.loads(pickle.dumps(Mine()))
    function.setRuntimeContext("context")
    function.open(None)
    assert function.runtimeContext == function.get_runtime_context() == "context"
    counter: Any = IntCounter()
    counter.localValue = "mine"
    assert counter.localValue == "mine"


def test_names_are_those_of_java() -> None:
    @with_properties
    class Bean:
        value = "its own"

        def getURL(self) -> str:
            return "url"

        def getX(self) -> int:
            return 1

        def isOpen(self) -> bool:
            return True

        def getValue(self) -> str:
            return "other"

        def getter(self) -> None: ...

        def get(self) -> None: ...

        def getOf(self, name: str) -> None: ...

    bean: Any = Bean()
    assert (bean.URL, bean.x, bean.open, bean.value) == ("url", 1, True, "its own")
    assert not hasattr(bean, "ter")
    assert not hasattr(bean, "of")
    assert not hasattr(bean, "")
