from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from stream_engine.api import current
from stream_engine.api.checkpointing import CheckpointingMode
from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.api.factory import PythonEnvironmentFactory
from stream_engine.api.functions import ParallelSourceFunction, SourceFunction
from stream_engine.api.time import Time, TimeCharacteristic
from stream_engine.configuration import Configuration
from stream_engine.graph.specs import PythonSource, SequenceSource, SocketTextSource, TextFileSource
from stream_engine.job import InvalidProgramException


class Numbers(SourceFunction):
    def run(self, ctx: Any) -> None:
        ctx.collect(1)

    def cancel(self) -> None:
        pass


class PerSubtask(ParallelSourceFunction):
    def run(self, ctx: Any) -> None:
        ctx.collect(1)


def test_execute_runs_the_plan_with_its_name_and_a_configuration_of_its_own(env: Any, executor: Any) -> None:
    env.set_parallelism(3).from_elements(1).output()

    result = env.execute("counting")
    env.set_parallelism(4)

    [job] = executor.jobs
    assert [node.name for node in job.graph.nodes] == ["Source: from_elements", "Sink: output()"]
    assert (job.name, job.configuration.get("parallelism.default")) == ("counting", 3)
    assert result.get_job_name() == "counting"


def test_every_execute_runs_only_what_was_made_since_the_last_one(env: Any, executor: Any) -> None:
    env.from_elements(1).output()
    env.execute()
    env.generate_sequence(1, 3)
    env.execute()

    assert [len(job.graph.nodes) for job in executor.jobs] == [2, 1]


def test_an_empty_plan_is_not_executed(env: Any, executor: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"test_environment_api\.py:\d+: There is nothing to execute"):
        env.execute()
    assert executor.jobs == []


def test_nothing_is_left_after_a_job_that_failed(factory: Any, executor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("job failed")

    monkeypatch.setattr(executor, "execute", fail)
    env = factory.get_execution_environment()
    env.from_elements(1)
    with pytest.raises(RuntimeError, match="job failed"):
        env.execute()

    with pytest.raises(InvalidProgramException, match=r"since the last execute\(\)"):
        env.execute()


@pytest.mark.parametrize(
    ("arguments", "name"), [((), "unnamed"), (("MyJob",), "MyJob"), (("MyJob", True), "MyJob"), ((True,), "unnamed")]
)
def test_older_ways_to_call_execute(env: Any, executor: Any, arguments: Any, name: str) -> None:
    env.from_elements(1)
    env.execute(*arguments)
    assert executor.jobs[0].name == name


def test_the_factory_knows_which_environments_have_an_unexecuted_plan(factory: Any) -> None:
    done, forgotten, unused = (factory.get_execution_environment() for _ in range(3))
    done.from_elements(1)
    done.execute()
    forgotten.from_elements(1)

    assert factory.environments == [done, forgotten, unused]
    assert [(env.executed, bool(env.graph.nodes)) for env in factory.environments] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_an_environment_has_the_configured_parallelism_unless_it_sets_its_own(factory: Any) -> None:
    env, other = factory.get_execution_environment(), factory.get_execution_environment()
    assert env.get_parallelism() == 2
    assert env.set_parallelism(3).get_parallelism() == 3
    assert other.get_parallelism() == 2


@pytest.mark.parametrize("parallelism", [0, -1, 1.5, "2", True, None])
def test_a_parallelism_is_a_whole_number_from_1(env: Any, parallelism: Any) -> None:
    with pytest.raises(InvalidProgramException, match="whole number of at least 1, not "):
        env.set_parallelism(parallelism)


@pytest.mark.parametrize(
    ("arguments", "parallelism", "timeout"),
    [
        ((), 2, 100),
        ((3,), 3, 100),
        ((Configuration({"execution.buffer-timeout": "5 ms"}),), 2, 5),
        (({"execution.buffer-timeout": "5 ms", "parallelism.default": 4},), 4, 5),
        ((3, Configuration({"parallelism.default": 4})), 3, 100),
    ],
)
def test_a_local_environment_takes_parallelism_and_configuration(
    factory: Any, executor: Any, arguments: Any, parallelism: int, timeout: int
) -> None:
    env = factory.create_local_execution_environment(*arguments)
    env.from_elements(1)
    env.execute()

    assert env.get_parallelism() == parallelism
    assert executor.jobs[0].configuration.get("execution.buffer-timeout") == timeout


def test_a_local_environment_refuses_what_is_no_configuration(factory: Any) -> None:
    with pytest.raises(InvalidProgramException, match="Configuration is needed"):
        factory.create_local_execution_environment(2, "fast")


@pytest.mark.parametrize(
    ("arguments", "jars", "parallelism", "timeout"),
    [
        ((), [], 1, 100),
        (("a.jar",), ["a.jar"], 1, 100),
        ((Configuration({"execution.buffer-timeout": "5 ms"}), "a.jar"), ["a.jar"], 1, 5),
        ((2, "a.jar", "b.jar"), ["a.jar", "b.jar"], 2, 100),
    ],
)
def test_a_remote_environment_runs_its_jobs_on_the_cluster_that_it_names(
    executor: Any, arguments: Any, jars: list[str], parallelism: int, timeout: int
) -> None:
    clusters: list[Any] = []

    def remote(*cluster: Any) -> Any:
        clusters.append(cluster)
        return executor

    factory: Any = PythonEnvironmentFactory(Unusable(), Configuration(), remote)
    env = factory.create_remote_execution_environment("flink", 8081, *arguments)
    env.from_elements(1)
    env.execute()

    assert clusters == [("flink", 8081, jars)]
    assert env.get_parallelism() == parallelism
    assert executor.jobs[0].configuration.get("execution.buffer-timeout") == timeout


class Unusable:
    def execute(self, graph: Any, configuration: Any, job_name: str) -> Any:
        raise AssertionError("the job was to run elsewhere")


@pytest.mark.parametrize("arguments", [("flink", "8081"), ("", 8081), ("flink", 8081, 2, Configuration())])
def test_a_remote_environment_refuses_what_names_no_cluster(factory: Any, arguments: Any) -> None:
    with pytest.raises(InvalidProgramException):
        factory.create_remote_execution_environment(*arguments)


def test_a_remote_environment_needs_somebody_who_knows_clusters(factory: Any) -> None:
    with pytest.raises(InvalidProgramException, match="cluster at flink:8081: run the script by the launcher"):
        factory.create_remote_execution_environment("flink", 8081)


def test_a_script_without_a_factory_finds_the_one_of_its_program(factory: Any) -> None:
    env = PythonStreamExecutionEnvironment.get_execution_environment()
    local = PythonStreamExecutionEnvironment.create_local_execution_environment(3, Configuration())

    assert factory.environments == [env, local]
    assert local.get_parallelism() == 3


def test_a_script_that_was_not_launched_is_told_how_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "_current", None)
    with pytest.raises(InvalidProgramException, match="run the script with pyflink-stream"):
        PythonStreamExecutionEnvironment.get_execution_environment()


def test_a_python_source_runs_once_and_a_parallel_one_everywhere(env: Any) -> None:
    env.create_python_source(Numbers())
    env.add_source(PerSubtask())
    env.add_source(lambda ctx: ctx.collect(1))

    graph = env.graph
    assert [node.name for node in graph.nodes] == ["Source: Numbers", "Source: PerSubtask", "Source: <lambda>"]
    assert all(isinstance(node.operator, PythonSource) for node in graph.nodes)
    assert list(graph.parallelisms(4).values()) == [1, 4, 1]


def test_a_sequence_has_both_its_ends(env: Any) -> None:
    env.generate_sequence(3, 7)
    assert env.graph.nodes[0].operator == SequenceSource(3, 7)
    with pytest.raises(InvalidProgramException, match="7 is greater than 3"):
        env.generate_sequence(7, 3)


def test_a_relative_path_is_that_of_the_directory_at_the_call(
    env: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env.read_text_file("in.txt")
    env.read_text(Path("logs") / "*.gz")
    env.read_text("file:///data/in.txt")
    env.read_text("hdfs://name:9000/in.txt")

    assert [node.operator for node in env.graph.nodes] == [
        TextFileSource(str(tmp_path / "in.txt")),
        TextFileSource(str(tmp_path / "logs/*.gz")),
        TextFileSource("file:///data/in.txt"),
        TextFileSource("hdfs://name:9000/in.txt"),
    ]


@pytest.mark.parametrize("path", [None, 5, "", b"in.txt"])
def test_what_is_no_path_is_refused(env: Any, path: Any) -> None:
    with pytest.raises(InvalidProgramException, match="A path is a str"):
        env.read_text_file(path)


def test_a_socket_source_has_an_address(env: Any) -> None:
    env.socket_text_stream("localhost", 9999)
    assert env.graph.nodes[0].operator == SocketTextSource("localhost", 9999)
    with pytest.raises(InvalidProgramException, match="A port is"):
        env.socket_text_stream("localhost", "9999")
    with pytest.raises(InvalidProgramException, match="A host is"):
        env.socket_text_stream("", 9999)


def test_the_time_characteristic_is_processing_time_until_it_is_set(env: Any) -> None:
    assert env.get_stream_time_characteristic() is TimeCharacteristic.ProcessingTime
    env.set_stream_time_characteristic(TimeCharacteristic.IngestionTime)
    assert env.get_stream_time_characteristic() is TimeCharacteristic.IngestionTime
    with pytest.raises(InvalidProgramException, match=r"TimeCharacteristic\.EventTime"):
        env.set_stream_time_characteristic("EventTime")


def test_checkpoints_are_the_jobs(env: Any, executor: Any) -> None:
    env.enable_checkpointing(Time.seconds(5), CheckpointingMode.AT_LEAST_ONCE).from_elements(1)
    env.execute()

    configuration = executor.jobs[0].configuration
    assert configuration.get("execution.checkpointing.interval") == 5000
    assert configuration.get("execution.checkpointing.mode") == "at_least_once"


def test_the_buffer_timeout_is_the_jobs(env: Any, executor: Any) -> None:
    env.set_buffer_timeout(7).from_elements(1)
    env.execute()
    assert executor.jobs[0].configuration.get("execution.buffer-timeout") == 7


def test_the_factory_leaves_the_launchers_configuration_alone(executor: Any) -> None:
    configuration = Configuration({"parallelism.default": 2})
    PythonEnvironmentFactory(executor, configuration).get_execution_environment().set_parallelism(5)
    assert configuration.get("parallelism.default") == 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [("read_text_fil", "read_text_file"), ("readTextFile", "read_text_file"), ("fromCollection", "from_collection")],
)
def test_a_misspelt_method_is_reported_with_the_one_that_is_meant(env: Any, written: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=rf"no attribute '{written}': did you mean {meant}\?"):
        getattr(env, written)


def forgetful(value: Any) -> Any:
    value.upper()


def test_a_map_without_a_return_is_a_warning_if_its_records_are_used(env: Any) -> None:
    line = sys._getframe().f_lineno + 1
    env.from_elements("a").map(forgetful).output()
    with pytest.warns(UserWarning, match=r"forgetful\(value\) has no return, so every record after it") as caught:
        env.execute()
    [warning] = caught
    assert (warning.filename, warning.lineno) == (__file__, line)


def test_a_map_without_a_return_may_end_a_stream(env: Any) -> None:
    env.from_elements("a").map(forgetful)
    env.execute()


def test_the_execution_plan_is_what_the_next_execute_runs_and_leaves_it_to_be_run(env: Any, executor: Any) -> None:
    env.from_elements(1).map(abs).output()

    plan = json.loads(env.getExecutionPlan())
    env.execute()

    assert [(node["type"], node["parallelism"]) for node in plan["nodes"]] == [
        ("Source: from_elements", 1),
        ("Map: abs", 2),
        ("Sink: output()", 2),
    ]
    assert len(executor.jobs) == 1
    with pytest.raises(InvalidProgramException, match=r"no source was made since the last execute"):
        env.get_execution_plan()
