"""Metrics of running jobs, for Prometheus."""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from ports import port_to_listen_at
from prometheus_client.parser import text_string_to_metric_families
from statuses import graph_of, status_of, word_count

from pyflink_stream.web.prometheus import Metrics
from stream_engine.metrics import MetricValue
from stream_engine.status import CheckpointStatus

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Command

    from stream_engine.status import JobStatus

GRAPH = graph_of(word_count)


def samples(*statuses: JobStatus) -> dict[str, list[tuple[dict[str, str], float]]]:
    """By name, the labels and values of what is served after the statuses."""
    metrics = Metrics()
    for status in statuses:
        metrics.on_status(status)
    response = metrics.answer("/metrics", {})
    assert response is not None
    return parsed(response.body.decode())


def parsed(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, Any] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_names_need_not_be_characters() -> None:
    """As those of files that are in another encoding."""
    graph = graph_of(lambda env: env.read_text_file("/data/caf\udce9").output())
    labels, _ = samples(status_of(graph, name="\udce9"))["flink_taskmanager_job_task_numRecordsIn"][0]
    assert (labels["job_name"], labels["task_name"]) == ("?", "Source: /data/caf? -> Sink: output()")


def test_what_functions_measure_has_its_operators_name() -> None:
    measured = (
        MetricValue("Map: M", "my.words", 5),
        MetricValue("Map: M", "state", "open"),
        MetricValue("Map: M", "length", 3, "0.5"),
    )
    found = samples(status_of(GRAPH, {"metrics": measured}, {}))
    prefix = "flink_taskmanager_job_task_operator_"
    assert prefix + "state" not in found
    [(labels, value), *_] = found[prefix + "my_words"]
    assert (value, labels["operator_name"], labels["subtask_index"]) == (5, "Map: M", "0")
    assert found[prefix + "length"][0][0]["quantile"] == "0.5"


def test_of_metrics_that_look_alike_to_prometheus_the_first_counts() -> None:
    """It takes nothing of an answer that has a name twice with the same labels."""
    [name] = [node.name for task in GRAPH.tasks for node in task.operators if node.is_source]
    measured = (
        MetricValue(name, "numRecordsIn", 7),
        MetricValue(name, "my.words", 1),
        MetricValue(name, "my_words", 2),
        MetricValue(name, "my_words", 3, "0.5"),
    )
    found = samples(status_of(GRAPH, {"records_in": 1000, "metrics": measured}))
    prefix = "flink_taskmanager_job_task_operator_"

    def values(name: str) -> list[tuple[float, str | None]]:
        return [(value, of.get("quantile")) for of, value in found[prefix + name] if of["subtask_index"] == "0"]

    assert values("my_words") == [(1, None), (3, "0.5")]
    assert values("numRecordsIn")[0] == (1000, None)
    assert (7, None) not in values("numRecordsIn")


def test_every_subtask_has_flinks_metrics_and_labels() -> None:
    before = status_of(GRAPH, {}, {}, time=1_700_000_005_000)
    source = {"records_in": 1000, "records_out": 500, "bytes_out": 64, "busy": 500, "backpressured": 1500, "idle": 2000}
    sink = {"records_in": 500, "records_written": 40, "watermark": 900, "queued": 3}
    found = samples(before, status_of(GRAPH, source, sink, name='A "job"\n'))

    attempts = {labels["task_attempt_id"] for labels, _ in found["flink_taskmanager_job_task_numRecordsIn"]}
    assert len(attempts) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", attempt) for attempt in attempts)
    labels = {
        "host": socket.gethostname(),
        "tm_id": f"{socket.gethostname()}:{os.getpid()}",
        "job_id": "f" * 32,
        "job_name": 'A "job"\n',
        "task_attempt_num": "0",
        "task_id": f"{1:032x}",
        "task_name": "Source: /data/text.txt -> Flat Map: <lambda>",
    }

    def of_source(name: str) -> float:
        (first, value), (second, _), *_ = found[f"flink_taskmanager_job_task_{name}"]
        for number, found_labels in enumerate((first, second)):
            assert found_labels.pop("task_attempt_id") in attempts
            assert found_labels == {**labels, "subtask_index": str(number)}
        return value

    assert of_source("numRecordsIn") == 1000
    assert of_source("numRecordsOut") == 500
    assert of_source("numRecordsInPerSecond") == 250
    assert of_source("numRecordsOutPerSecond") == 125
    assert of_source("numBytesOut") == 64
    assert of_source("numBytesOutPerSecond") == 16
    assert of_source("busyTimeMsPerSecond") == 125
    assert of_source("backPressuredTimeMsPerSecond") == 375
    assert of_source("idleTimeMsPerSecond") == 500
    assert of_source("currentInputWatermark") == -(2**63)
    assert [value for _, value in found["flink_taskmanager_job_task_numRecordsOut"]] == [500, 500, 40, 40]
    assert [value for _, value in found["flink_taskmanager_job_task_currentInputWatermark"]][2:] == [900, 900]
    assert [value for _, value in found["flink_taskmanager_job_task_buffers_inputQueueLength"]] == [0, 0, 3, 3]


def test_the_job_has_its_restarts_and_checkpoints() -> None:
    def of_job(status: JobStatus) -> dict[str, float]:
        prefix = "flink_jobmanager_job_"
        found = {name: values for name, values in samples(status).items() if name.startswith(prefix)}
        labels = {"host": socket.gethostname(), "job_id": "f" * 32, "job_name": "A job"}
        assert all(values[0][0] == labels for values in found.values())
        return {name.removeprefix(prefix): values[0][1] for name, values in found.items()}

    assert of_job(status_of(GRAPH)) == {
        "runningTime": 10_000,
        "uptime": 0,
        "downtime": 0,
        "restartingTime": 0,
        "numRestarts": 0,
        "fullRestarts": 0,
        "totalNumberOfCheckpoints": 0,
        "numberOfCompletedCheckpoints": 0,
        "numberOfFailedCheckpoints": 0,
        "numberOfInProgressCheckpoints": 0,
        "lastCheckpointDuration": -1,
        "lastCheckpointSize": -1,
    }
    checkpoints = (
        CheckpointStatus(1, "COMPLETED", 0, 20, 3000),
        CheckpointStatus(2, "COMPLETED", 0, 30, 4000),
        CheckpointStatus(3, "FAILED", 0),
        CheckpointStatus(4, "IN_PROGRESS", 0),
    )
    assert of_job(status_of(GRAPH, checkpoints=checkpoints, restarts=2)) == {
        "runningTime": 10_000,
        "uptime": 0,
        "downtime": 0,
        "restartingTime": 0,
        "numRestarts": 2,
        "fullRestarts": 2,
        "totalNumberOfCheckpoints": 4,
        "numberOfCompletedCheckpoints": 2,
        "numberOfFailedCheckpoints": 1,
        "numberOfInProgressCheckpoints": 1,
        "lastCheckpointDuration": 30,
        "lastCheckpointSize": 4000,
    }


def test_without_a_running_job_there_is_nothing_but_that_there_is_none() -> None:
    host = {"host": socket.gethostname()}
    nothing = {f"flink_jobmanager_{name}": [(host, 0.0)] for name in CLUSTER}
    assert samples() == nothing
    assert samples(status_of(GRAPH), status_of(GRAPH, state="FINISHED")) == nothing
    found = samples(status_of(GRAPH))
    assert [found[f"flink_jobmanager_{name}"] for name in CLUSTER] == [[(host, value)] for value in (1, 1, 2, 0)]


CLUSTER = ("numRunningJobs", "numRegisteredTaskManagers", "taskSlotsTotal", "taskSlotsAvailable")


def test_times_are_those_since_the_job_last_began_to_run_or_ceased_to() -> None:
    start = 1_700_000_000_000
    statuses = [
        status_of(GRAPH, time=start),
        status_of(GRAPH, time=start + 20_000),
        status_of(GRAPH, time=start + 21_000, state="RESTARTING", restarts=1),
        status_of(GRAPH, time=start + 24_000, state="RESTARTING", restarts=1),
        status_of(GRAPH, time=start + 25_000, restarts=1),
        status_of(GRAPH, time=start + 32_000, restarts=1),
    ]

    def times(number: int) -> list[float]:
        found = samples(*statuses[:number])
        names = ("runningTime", "uptime", "downtime", "restartingTime")
        return [found[f"flink_jobmanager_job_{name}"][0][1] for name in names]

    assert times(2) == [20_000, 20_000, 0, 0]
    assert times(4) == [24_000, 0, 3000, 3000]
    assert times(6) == [32_000, 7000, 0, 0]


def test_each_restart_is_another_attempt() -> None:
    def attempts(restarts: int) -> tuple[set[str], set[str]]:
        found = samples(status_of(GRAPH, restarts=restarts))["flink_taskmanager_job_task_numRecordsIn"]
        return {labels["task_attempt_num"] for labels, _ in found}, {labels["task_attempt_id"] for labels, _ in found}

    (first, ids), (second, other_ids) = attempts(0), attempts(1)
    assert (first, second) == ({"0"}, {"1"})
    assert not ids & other_ids
    assert attempts(1)[1] == other_ids


def operators_of(status: JobStatus, name: str) -> dict[str, list[float]]:
    """By operator, the values of its subtasks."""
    found: dict[str, list[float]] = {}
    for labels, value in samples(status).get(f"flink_taskmanager_job_task_operator_{name}", []):
        assert set(labels) == {
            *("host", "tm_id", "job_id", "job_name", "task_id", "task_name", "task_attempt_id", "task_attempt_num"),
            *("subtask_index", "operator_id", "operator_name"),
        }
        found.setdefault(labels["operator_name"], []).append(value)
    return found


def test_the_first_operator_of_a_chain_has_its_input_and_the_last_one_its_output() -> None:
    status = status_of(GRAPH, {"records_in": 7, "records_out": 30}, {"records_in": 30, "records_written": 20})
    assert operators_of(status, "numRecordsIn") == {"Source: /data/text.txt": [7, 7], "Reduce: <lambda>": [30, 30]}
    assert operators_of(status, "numRecordsOut") == {"Flat Map: <lambda>": [30, 30], "Sink: output()": [20, 20]}
    assert operators_of(status, "currentInputWatermark") == {"Reduce: <lambda>": [-(2**63)] * 2}


def test_of_a_chain_with_several_ends_nobody_knows_which_gave_what() -> None:
    def both_chained(env: Any) -> None:
        numbers = env.from_elements(1)
        numbers.map(str).output()
        numbers.map(abs).output()

    def one_leaves_the_middle(env: Any) -> None:
        numbers = env.from_elements(1).map(str)
        numbers.output()
        numbers.rebalance().map(abs).name("after").add_sink(print).name("Sink: last")

    given = {"records_in": 1, "records_out": 1, "records_written": 1}
    assert operators_of(status_of(graph_of(both_chained, parallelism=1), given), "numRecordsOut") == {}
    last = operators_of(status_of(graph_of(one_leaves_the_middle), given, given, given), "numRecordsOut")
    assert last.pop("Sink: last") == [2, 2]
    assert [name for name in last if "Source" not in name] == []


def test_a_source_tells_how_many_records_it_has_not_read() -> None:
    name = "flink_taskmanager_job_task_operator_pendingRecords"
    assert name not in samples(status_of(GRAPH))
    found = samples(status_of(GRAPH, {"lag": 0}))[name]
    assert [(labels["subtask_index"], labels["operator_name"], value) for labels, value in found] == [
        (str(index), "Source: /data/text.txt", 0) for index in range(2)
    ]


def test_late_records_are_counted_by_operator() -> None:
    reduce = GRAPH.tasks[1].head.id
    found = samples(status_of(GRAPH, {}, {"late": ((reduce, 21),)}))
    one, other = found["flink_taskmanager_job_task_operator_numLateRecordsDropped"]
    assert (one[1], other[1]) == (21, 21)
    assert one[0]["operator_name"] == "Reduce: <lambda>"
    assert one[0]["task_name"] == "Reduce: <lambda> -> Sink: output()"
    assert (one[0]["subtask_index"], other[0]["subtask_index"]) == ("0", "1")


READING_ITSELF = """
    import time, urllib.request
    def main(factory):
        env = factory.get_execution_environment()
        def read(number):
            deadline = time.monotonic() + 60
            text = ""
            while "numRecordsIn{" not in text and time.monotonic() < deadline:
                text = urllib.request.urlopen("http://127.0.0.1:PORT/metrics", timeout=60).read().decode()
            return text
        env.from_elements(1).name("numbers").map(read).output()
        env.execute("Reading itself")
"""


def test_a_running_job_serves_its_metrics(command: Command) -> None:
    port = port_to_listen_at()
    command.write("s.py", READING_ITSELF.replace("PORT", str(port)))
    found = parsed(command.output("-D", f"metrics.reporter.prom.port={port}", "s.py"))
    ((labels, _),) = found["flink_taskmanager_job_task_numRecordsIn"]
    assert labels["job_name"] == "Reading itself"
    assert labels["task_name"].startswith("numbers -> Map: read")
    assert re.fullmatch("[0-9a-f]{32}", labels["job_id"])


def test_a_port_that_nobody_could_know_is_said(command: Command) -> None:
    command.write("s.py", "def main(factory): pass\n")
    done = command.run("-D", "metrics.reporter.prom.port=0", "-D", "metrics.reporter.prom.host=", "s.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"Metrics are served at http://127\.0\.0\.1:\d+/metrics\n", done.stderr)


def test_a_port_that_is_taken_is_an_error_before_anything_is_run(command: Command) -> None:
    command.write("s.py", "print('imported')\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command.run("-D", f"metrics.reporter.prom.port={port}", "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: metrics.reporter.prom.port: port {port} of 127.0.0.1 cannot be used: ")


def test_without_the_package_it_is_said_what_to_install(command: Command, tmp_path: Path) -> None:
    command.write("s.py", "print('imported')\n")
    command.write("hidden/sitecustomize.py", "import sys\nsys.modules['prometheus_client'] = None\n")
    path = f"{tmp_path / 'hidden'}:{command.environment['PYTHONPATH']}"
    done = command.run("-D", "metrics.reporter.prom.port=0", "s.py", PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "a package: " in done.stderr
    assert done.stderr.rstrip().endswith("bin/venv.sh metrics")


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_prometheus_gets_the_format_that_it_asks_for(accept: str) -> None:
    response = Metrics().answer("/", {"accept": accept})
    assert response is not None
    assert response.content_type.startswith(accept.partition(";")[0] or "text/plain")
