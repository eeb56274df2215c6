"""What stands in the way of a job on a cluster is said in one line before anything is submitted."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from flink_rest import Rest

from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.configuration import Configuration
from stream_engine.flink.client import cluster, java
from stream_engine.flink.client.cluster import RemoteCluster
from stream_engine.graph.job_graph import job_graph
from stream_engine.job import ClusterUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rest() -> Iterator[Rest]:
    with Rest() as rest:
        yield rest


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that has all it needs: apache-flink, a Python that is not too new, and Java."""
    executable = tmp_path / "bin" / "java"
    executable.parent.mkdir()
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    for module in (cluster, java):
        monkeypatch.setattr(module, "version", lambda package: "2.3.0")
    monkeypatch.setattr(cluster, "start_java", lambda: None)


class Unused:
    def execute(self, graph: Any, configuration: Any, job_name: str) -> Any: ...


def check(address: str, parallelism: int = 2, path: str = "/data/orders", **options: str) -> None:
    configuration = Configuration({name.replace("__", ".").replace("_", "-"): options[name] for name in options})
    env = PythonStreamExecutionEnvironment(Unused(), configuration)
    env.read_text_file(path).output()
    RemoteCluster(address).check(job_graph(env.graph, parallelism), configuration)


def refusal(address: str, parallelism: int = 2, path: str = "/data/orders", **options: str) -> str:
    with pytest.raises(ClusterUnusable) as caught:
        check(address, parallelism, path, **options)
    return str(caught.value)


def configured(rest: Rest, settings: dict[str, str]) -> None:
    rest.answers["/jobmanager/config"] = [{"key": key, "value": value} for key, value in settings.items()]


def test_a_job_that_can_run_is_let_through(rest: Rest) -> None:
    check(rest.address)

    assert rest.asked == ["GET /overview", "GET /jobmanager/config", "GET /taskmanagers"]


def test_java_starts_before_anything_is_asked(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_by_then: list[str] = ["not started"]
    monkeypatch.setattr(cluster, "start_java", lambda: asked_by_then.__setitem__(slice(None), rest.asked))

    check(rest.address)

    assert asked_by_then == []


def test_a_cluster_that_is_not_there_is_named(rest: Rest) -> None:
    rest.close()

    assert refusal(rest.address).startswith(f"There is no Flink cluster at {rest.address}: ")


@pytest.mark.parametrize("answers", [{}, {"/overview": {"other": 1}}, {"/overview": ["a"]}])
def test_a_server_that_is_no_flink_is_called_that(rest: Rest, answers: dict[str, Any]) -> None:
    rest.answers = answers

    assert refusal(rest.address).startswith(f"There is no Flink cluster at {rest.address}: ")


def test_a_cluster_of_another_version_is_refused(rest: Rest) -> None:
    rest.answers["/overview"]["flink-version"] = "1.20.1"

    said = refusal(rest.address)

    assert said.startswith(f"The cluster at {rest.address} is Flink 1.20.1, but apache-flink here is 2.3.0")
    assert "pip install 'apache-flink==1.20.*'" in said


def test_a_job_wider_than_the_cluster_is_refused(rest: Rest) -> None:
    assert refusal(rest.address, 3).startswith(f"The job needs 3 slots, but the cluster at {rest.address} has 2: ")


def test_a_job_wider_than_what_is_free_is_refused(rest: Rest) -> None:
    rest.answers["/overview"]["slots-available"] = 1

    assert refusal(rest.address).startswith(f"The job needs 2 slots, but of the 2 that the cluster at {rest.address} ")


# As they come from kubernetes-session.sh, from the operator for Kubernetes, and from yarn-session.sh.
GROWING = [
    {"execution.target": "kubernetes-session", "kubernetes.cluster-id": "my-session"},
    {
        "kubernetes.internal.jobmanager.entrypoint.class": (
            "org.apache.flink.kubernetes.entrypoint.KubernetesSessionClusterEntrypoint"
        )
    },
    {"execution.target": "yarn-session"},
]


@pytest.mark.parametrize("settings", GROWING)
def test_a_cluster_that_starts_task_managers_when_they_are_needed_is_not_too_small(
    rest: Rest, settings: dict[str, str]
) -> None:
    configured(rest, settings)
    rest.answers["/overview"].update({"slots-total": 0, "slots-available": 0})
    rest.answers["/taskmanagers"] = {"taskmanagers": []}

    check(rest.address, 30, "hdfs://name/orders")
    check(rest.address, 30, "/data/orders", cluster__shared_paths="/data")


@pytest.mark.parametrize("settings", GROWING)
def test_workers_that_are_still_to_come_see_no_path_of_this_machine(rest: Rest, settings: dict[str, str]) -> None:
    configured(rest, settings)

    assert "is on this machine, which a worker that the cluster starts for it may not see" in refusal(rest.address)


def test_a_cluster_that_may_not_grow_enough_is_too_small(rest: Rest) -> None:
    configured(rest, {"execution.target": "yarn-session", "slotmanager.number-of-slots.max": "4"})

    check(rest.address, 4, "hdfs://name/orders")

    assert "may have no more than 4 (slotmanager.number-of-slots.max)" in refusal(rest.address, 5)


def test_a_standalone_cluster_on_kubernetes_does_not_grow(rest: Rest) -> None:
    configured(rest, {"kubernetes.cluster-id": "my-cluster", "execution.target": "remote"})

    assert refusal(rest.address, 3).startswith("The job needs 3 slots, but the cluster at ")


def test_a_cluster_that_does_not_tell_its_configuration_is_taken_as_it_is(rest: Rest) -> None:
    check(rest.address)

    assert refusal(rest.address, 3).startswith("The job needs 3 slots, but the cluster at ")


@pytest.mark.parametrize(
    ("identifier", "path", "host"),
    [
        ("session-taskmanager-1-1", "pekko.tcp://flink@192.0.2.7:6122/user/rpc/taskmanager_0", "192.0.2.7"),
        ("container_17_0001_01_000002(node-7:8041)", "pekko.ssl.tcp://flink@node-7.test:3/user/rpc/t", "node-7.test"),
        ("session-taskmanager-1-1", "pekko.tcp://flink@[2001:db8::7]:6122/user/rpc/taskmanager_0", "2001:db8::7"),
    ],
)
def test_a_worker_is_where_its_address_says(rest: Rest, identifier: str, path: str, host: str) -> None:
    rest.answers["/taskmanagers"] = {"taskmanagers": [{"id": identifier, "path": path}]}

    assert f"is on this machine, which the workers on {host} do not see" in refusal(rest.address)


def test_checkpoints_without_a_place_are_refused(rest: Rest) -> None:
    said = refusal(rest.address, execution__checkpointing__interval="10 s")

    assert said.startswith("The job takes checkpoints, and neither it nor the cluster says where to keep them.")
    assert "set state.checkpoints.dir to a directory that all machines can write to" in said


@pytest.mark.parametrize("key", ["state.checkpoints.dir", "execution.checkpointing.dir"])
def test_checkpoints_have_the_place_that_the_job_or_the_cluster_gives_them(rest: Rest, key: str) -> None:
    place = {key.replace(".", "__"): "hdfs:///checkpoints"}
    check(rest.address, 2, "hdfs://name/orders", execution__checkpointing__interval="10 s", **place)
    configured(rest, {key: "hdfs:///checkpoints"})
    check(rest.address, execution__checkpointing__interval="10 s")


def test_what_a_cluster_ignores_is_said_once(rest: Rest, capfd: pytest.CaptureFixture[str]) -> None:
    ignored = {
        "heartbeat.interval": "1 s",
        "heartbeat.timeout": "9 s",
        "metrics.reporter.prom.port": "9249",
        "execution.checkpointing.incremental": "true",
        "restart-strategy": "fixed-delay",
    }
    configured(rest, {"heartbeat.timeout": "9 s"})
    configuration = Configuration(ignored)
    env = PythonStreamExecutionEnvironment(Unused(), configuration)
    env.from_elements(1).output()
    remote = RemoteCluster(rest.address)

    for _ in range(2):
        remote.check(job_graph(env.graph, 1), configuration)

    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == (
        "Without effect on a Flink cluster: heartbeat.interval, metrics.reporter.prom.port, "
        "restart-strategy, execution.checkpointing.incremental.\n"
    )


@pytest.mark.parametrize(
    "options",
    [
        {"restart_strategy": "none"},
        {"restart_strategy": "fixed-delay", "execution__attached": "false"},
        {
            "restart_strategy": "fixed-delay",
            "execution__checkpointing__interval": "1 s",
            "state__checkpoints__dir": "hdfs:///c",
        },
    ],
)
def test_a_restart_strategy_that_counts_is_not_told_of(
    rest: Rest, capfd: pytest.CaptureFixture[str], options: dict[str, Any]
) -> None:
    check(rest.address, **options)

    assert capfd.readouterr().err == ""


def test_the_defaults_of_one_machine_are_no_wish_for_a_cluster(rest: Rest, capfd: pytest.CaptureFixture[str]) -> None:
    # As in the file that comes with this.
    check(rest.address, heartbeat__interval="10 s", heartbeat__timeout="50000", metrics__reporter__prom__port="")

    assert capfd.readouterr().err == ""


def test_the_slots_of_the_job_before_are_waited_for(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    submission: Any = ModuleType("stream_engine.flink.client.submission")
    submission.submit = lambda *given: SimpleNamespace(id="1")
    monkeypatch.setitem(sys.modules, submission.__name__, submission)
    configuration = Configuration()
    env = PythonStreamExecutionEnvironment(Unused(), configuration)
    env.from_elements(1).output()
    plan, remote = job_graph(env.graph, 2), RemoteCluster(rest.address)
    job: Any = SimpleNamespace(id="1", ticks=False, waits_for_checkpoints=False)
    remote.check(plan, configuration)
    remote.submit(job, configuration, lambda: None)
    rest.answers["/overview"]["slots-available"] = 0
    rest.frees_slots_after(3)

    remote.check(plan, configuration)

    assert rest.asked.count("GET /overview") >= 4


def test_incremental_checkpoints_have_an_effect_where_the_state_is_on_disk(
    rest: Rest, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(rest, {"state.backend.type": "rocksdb"})

    check(rest.address, execution__checkpointing__incremental="true")

    assert capfd.readouterr().err == ""


def test_a_path_that_workers_do_not_see_is_refused(rest: Rest) -> None:
    rest.answers["/taskmanagers"]["taskmanagers"].append({"id": "192.0.2.7:35001-cd34"})

    assert "is on this machine, which the workers on 192.0.2.7 do not see" in refusal(rest.address)


def test_a_client_without_the_extra_is_told_how_to_get_it(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(java, "version", version)

    assert refusal(rest.address).startswith("A Flink cluster is reached with apache-flink: run ")
    assert rest.asked == []


def test_a_python_that_is_too_new_is_refused(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))

    assert refusal(rest.address).startswith("apache-flink has no version for Python 3.13: ")
    assert rest.asked == []


@pytest.mark.parametrize("home", ["nothing there", ""])
def test_a_client_without_java_is_told_to_install_it(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / home) if home else "")
    monkeypatch.setenv("PATH", str(tmp_path))

    said = refusal(rest.address)

    assert said.startswith("A Flink cluster is reached with Java, but ")
    assert "install Java 17" in said
    assert rest.asked == []


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('JAVA_VERSION="1.8.0_392"', 8),
        ('IMPLEMENTOR="X"\nJAVA_VERSION="17.0.9"', 17),
        ("JAVA_VERSION=21", 21),
        ("", None),
    ],
)
def test_a_java_that_is_too_old_is_refused(rest: Rest, tmp_path: Path, text: str, release: int | None) -> None:
    (tmp_path / "release").write_text(f"{text}\n")

    if release == 8:
        assert f"with Java 11 or later, and {tmp_path}/bin/java is Java 8: install Java 17" in refusal(rest.address)
        assert rest.asked == []
    else:
        check(rest.address)


def test_the_java_of_the_path_is_looked_at_where_its_link_leads(
    rest: Rest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Java 8 is laid out, whose own directory is below the one that says so.
    (tmp_path / "jdk" / "jre" / "bin").mkdir(parents=True)
    (tmp_path / "jdk" / "release").write_text('JAVA_VERSION="1.8.0"\n')
    (tmp_path / "bin" / "java").rename(tmp_path / "jdk" / "jre" / "bin" / "java")
    (tmp_path / "bin" / "java").symlink_to(tmp_path / "jdk" / "jre" / "bin" / "java")
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert "is Java 8: install Java 17" in refusal(rest.address)
