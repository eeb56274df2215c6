"""What the client of a cluster knows without one: settings, messages, paths, and whether a job is complete."""

from __future__ import annotations

import pickle
from base64 import b64encode
from typing import Any

import pytest
from fake_flink import FakeCluster, FakeJob
from launched import Jobs

from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.configuration import Configuration
from stream_engine.flink.client import visibility
from stream_engine.flink.client.explanations import explained
from stream_engine.flink.client.settings import flink_settings
from stream_engine.flink.elements import ElementReader, Envelope, pack_element
from stream_engine.flink.exception_text import failure_in
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.unfinished import Unfinished
from stream_engine.graph.job_graph import job_graph
from stream_engine.job import ClusterUnusable, JobExecutionException
from stream_engine.wire.messages import Kind


@pytest.mark.parametrize(
    ("ours", "flinks"),
    [
        ({}, {"restart-strategy.type": "disable"}),
        (
            {"execution.checkpointing.interval": "5 s", "execution.checkpointing.mode": "at_least_once"},
            {
                "execution.checkpointing.interval": "5000 ms",
                "execution.checkpointing.mode": "EXACTLY_ONCE",
                "restart-strategy.type": "exponential-delay",
            },
        ),
        (
            {"restart-strategy": "fixed-delay", "restart-strategy.fixed-delay.delay": 1500},
            {"restart-strategy.type": "disable", "restart-strategy.fixed-delay.delay": "1500 ms"},
        ),
        (
            {"restart-strategy": "fixed-delay", "execution.attached": "false"},
            {"restart-strategy.type": "fixed-delay"},
        ),
        (
            {"state.checkpoints.dir": "hdfs:///c", "state.savepoints.dir": "hdfs:///s"},
            {
                "execution.checkpointing.dir": "hdfs:///c",
                "execution.checkpointing.savepoint-dir": "hdfs:///s",
                "execution.checkpointing.tolerable-failed-checkpoints": "2147483647",
                "restart-strategy.type": "disable",
            },
        ),
        (
            {"execution.savepoint.path": "/s/1", "execution.savepoint.ignore-unclaimed-state": "true"},
            {
                "execution.state-recovery.path": "file:///s/1",
                "execution.state-recovery.ignore-unclaimed-state": "true",
                "restart-strategy.type": "disable",
            },
        ),
        (
            {"task.cancellation.timeout": "3 s", "execution.checkpointing.incremental": "false"},
            {"restart-strategy.type": "disable"},
        ),
        (
            {"task.cancellation.timeout": "30 s", "execution.checkpointing.incremental": "TRUE"},
            {
                "task.cancellation.timeout": "30000 ms",
                "execution.checkpointing.incremental": "true",
                "restart-strategy.type": "disable",
            },
        ),
        (
            {"taskmanager.memory.managed.fraction": "0.2", "parallelism.default": 3, "rest.port": 8081},
            {"taskmanager.memory.managed.fraction": "0.2", "restart-strategy.type": "disable"},
        ),
    ],
)
def test_options_become_those_of_flink(ours: dict[str, Any], flinks: dict[str, str]) -> None:
    assert flink_settings(Configuration(ours), {}) == flinks


@pytest.mark.parametrize(
    ("timeout", "flinks"),
    [
        (5, {"execution.buffer-timeout.interval": "5 ms"}),
        (0, {"execution.buffer-timeout.interval": "0 ms"}),
        (-1, {"execution.buffer-timeout.enabled": "false"}),
    ],
)
def test_the_buffer_timeout_of_a_script_becomes_that_of_flink(timeout: int, flinks: dict[str, str]) -> None:
    given: list[Configuration] = []

    class Noting:
        def execute(self, graph: Any, configuration: Configuration, job_name: str) -> Any:
            given.append(configuration)

    env = PythonStreamExecutionEnvironment(Noting(), Configuration()).set_buffer_timeout(timeout)
    env.from_elements(1).output()
    env.execute()

    assert flink_settings(given[0], {}) == {**flinks, "restart-strategy.type": "disable"}


@pytest.mark.parametrize(("cluster", "place"), [({}, "hdfs:///s"), ({"state.checkpoints.dir": "hdfs:///c"}, None)])
def test_savepoints_have_room_without_a_place_for_checkpoints(cluster: dict[str, str], place: str | None) -> None:
    settings = flink_settings(Configuration({"state.savepoints.dir": "hdfs:///s"}), cluster)

    assert settings["execution.checkpointing.savepoint-dir"] == "hdfs:///s"
    assert settings.get("execution.checkpointing.dir") == place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "java.lang.RuntimeException: Process died with exit code 137\n\tat org.apache",
            "A Python worker of the cluster died",
        ),
        (
            "RuntimeError: [[pyflink-stream: the cluster's workers run Python 3.10]] at x",
            "the cluster's workers run Python 3.10",
        ),
        (
            "org.apache.SomeException: outer\n\tat x\nCaused by: java.io.IOException: no space left\n\tat x",
            "The job failed on the Flink cluster: java.io.IOException: no space left",
        ),
        (
            "An error occurred while calling o161.hasNext.\n: java.lang.IllegalStateException: a bug\n\tat x",
            "The job failed on the Flink cluster: java.lang.IllegalStateException: a bug",
        ),
        (
            (
                "java.lang.RuntimeException: outer\n\tat x\nCaused by: java.lang.RuntimeException: Error received from "
                "SDK harness for instruction 2: Traceback (most recent call last):\n"
                '  File "pyflink/a.py", line 1, in process\n    a()\nKeyError: 3\n\n'
                "During handling of the above exception, another exception occurred:\n\n"
                'Traceback (most recent call last):\n  File "pyflink/b.py", line 2, in process\n    b()\n'
                "OSError: the state\nis too large\n\n\tat org.apache.beam.Some"
            ),
            "Python failed in a worker of the Flink cluster: OSError: the state",
        ),
        ("java.io.IOException: SDK harness 1-1 disconnected\n\tat x", "A Python worker of the cluster died"),
        (
            (
                "java.lang.RuntimeException: outer\n\tat x\nCaused by: java.io.IOException: Failed to execute the "
                "command: bin/python -c import x\noutput: Traceback (most recent call last):\n"
                '  File "<string>", line 1, in <module>\nSyntaxError: wrong\n\n\tat org.apache.flink.Some\n\t... 9 more'
            ),
            "bin/python -c import x … SyntaxError: wrong",
        ),
        (
            (
                "Caused by: java.io.IOException: Failed to execute the command: bin/python -c import pyflink\n"
                "output: Traceback (most recent call last):\nModuleNotFoundError: No module named 'pyflink'\n\tat x"
            ),
            "The Python of the cluster's workers has no apache-flink",
        ),
    ],
)
def test_exceptions_of_flinks_own_are_told_without_their_frames(text: str, said: str) -> None:
    assert said in explained(text)
    assert "\tat" not in explained(text)


@pytest.mark.parametrize("size", [1, "0", -5])
def test_bundles_that_would_lose_records_are_refused(capfd: pytest.CaptureFixture[str], size: object) -> None:
    cluster = FakeCluster()
    jobs = Jobs(FlinkExecutor(cluster), capfd)
    key = "python__fn_execution__bundle__size"

    def plan(**options: Any) -> Any:
        env = jobs.environment(**options)
        env.from_elements(1).output()
        return env

    with pytest.raises(ClusterUnusable, match="has to have 2 elements or more"):
        plan(**{key: size}).execute()
    assert cluster.jobs == []
    plan(**{key: 2}).execute()
    plan(**{key: size}, execution__checkpointing__interval="1 s").execute()


def test_a_text_without_a_failure_of_ours_has_none() -> None:
    assert failure_in("java.lang.RuntimeException: something") is None
    assert failure_in(f"\x01pyflink-stream failure {b64encode(b'x').decode()}") is None


class Forgetful(FakeJob):
    """Loses the last report of a subtask, as Flink might lose an element."""

    def reports(self) -> Any:
        for element in super().reports():
            kept = [each for each in ElementReader().read(element) if each.kind != Kind.FINISHED or each.sender != 1]
            if kept:
                yield pack_element(kept)


class ForgetfulCluster(FakeCluster):
    def submit(self, job: Any, configuration: Any, commit: Any) -> Any:
        return Forgetful(self, job, self._random, 0)


def test_a_job_that_ends_before_all_of_its_subtasks_has_failed(capfd: pytest.CaptureFixture[str]) -> None:
    env = Jobs(FlinkExecutor(ForgetfulCluster()), capfd).environment(2)
    env.generate_sequence(1, 10).output()

    with pytest.raises(JobExecutionException, match=r"1 of its subtasks did not[\s\S]*subtask 2 of 2 of"):
        env.execute()


def test_subtasks_that_have_not_reported_their_end_are_counted() -> None:
    env = PythonStreamExecutionEnvironment(Unused(), Configuration())
    env.from_elements(1).rebalance().map(str).name("texts").output()
    unfinished = pickle.loads(pickle.dumps(Unfinished(job_graph(env.graph, 2))))

    unfinished.take(pack_element([Envelope(Kind.FINISHED, 1, 0, b""), Envelope(Kind.CONSOLE, 1, 1, b"")]))
    unfinished.take(pack_element([Envelope(Kind.FINISHED, 0, 0, b""), Envelope(Kind.FINISHED, 0, 0, b"")]))

    assert unfinished
    assert "1 of its subtasks did not" in str(unfinished)
    assert "subtask 2 of 2 of" in str(unfinished)
    unfinished.take(pack_element([Envelope(Kind.FINISHED, 1, 1, b"")]))
    assert not unfinished


class Unused:
    def execute(self, graph: Any, configuration: Any, job_name: str) -> Any: ...


def check(path: str = "hdfs:///orders", **options: str) -> None:
    named = {name.replace("__", ".").replace("_", "-"): value for name, value in options.items()}
    configuration = Configuration(named)
    env = PythonStreamExecutionEnvironment(Unused(), configuration)
    env.read_text_file(path).output()
    elsewhere = visibility.workers_elsewhere(["127.0.0.1", "192.0.2.7"], grows=False)
    visibility.check_paths(job_graph(env.graph, 1), elsewhere, configuration)


def test_paths_of_this_machine_are_refused_where_workers_are_elsewhere() -> None:
    with pytest.raises(ClusterUnusable, match=r"parts.py:\d+, is on this machine, which the workers on 192"):
        check("/data/orders")
    with pytest.raises(ClusterUnusable):
        check("/data/orders", cluster__shared_paths="/dat")


@pytest.mark.parametrize("place", ["/data/s", "file:///data/s", "file:/data/s"])
def test_savepoints_are_refused_on_this_machine_where_workers_are_elsewhere(place: str) -> None:
    with pytest.raises(ClusterUnusable, match=r"/data/s', which state.savepoints.dir names, is on this machine"):
        check(state__savepoints__dir=place)
    check(state__savepoints__dir=place, cluster__shared_paths="/data")


def test_a_place_for_checkpoints_on_this_machine_is_refused_where_it_is_used() -> None:
    check(state__checkpoints__dir="/data/c")
    with pytest.raises(ClusterUnusable, match=r"which state\.checkpoints\.dir names"):
        check(state__checkpoints__dir="/data/c", execution__checkpointing__interval="1 s")


def test_a_savepoint_on_this_machine_is_refused_where_workers_are_elsewhere() -> None:
    with pytest.raises(ClusterUnusable, match=r"which execution\.savepoint\.path names"):
        check(execution__savepoint__path="/data/s/savepoint-1")


@pytest.mark.parametrize("path", ["hdfs://name/orders", "s3://bucket/orders"])
def test_storage_that_all_machines_have_is_let_through(path: str) -> None:
    check(path)


def test_a_directory_that_all_machines_have_is_let_through() -> None:
    check("/data/orders", cluster__shared_paths="/mnt,/data")


def test_addresses_of_this_machine_are_known() -> None:
    assert visibility.is_here("localhost")
    assert visibility.is_here("127.0.0.1")
    assert not visibility.is_here("192.0.2.7")


def test_workers_are_elsewhere_unless_all_of_them_are_known_to_be_here() -> None:
    assert visibility.workers_elsewhere(["127.0.0.1"], grows=False) is None
    assert visibility.workers_elsewhere(["127.0.0.1"], grows=True) is not None
    assert visibility.workers_elsewhere([], grows=True) is not None
