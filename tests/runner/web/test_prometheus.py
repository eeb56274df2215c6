"""Metrics of running jobs, for Prometheus."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from statuses import graph_of, status_of, word_count

from pyflink_stream.web.prometheus import Metrics
from stream_engine.status import CheckpointStatus

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

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


def test_every_subtask_has_flinks_metrics_and_labels() -> None:
    before = status_of(GRAPH, {}, {}, time=1_700_000_005_000)
    source = {"records_in": 1000, "records_out": 500, "bytes_out": 64, "busy": 500, "backpressured": 1500, "idle": 2000}
    sink = {"records_in": 500, "records_written": 40, "watermark": 900, "queued": 3}
    found = samples(before, status_of(GRAPH, source, sink, name='A "job"\n'))

    labels = {
        "job_id": "f" * 32,
        "job_name": 'A "job"\n',
        "task_id": f"{1:032x}",
        "task_name": "Source: /data/text.txt -> Flat Map: <lambda>",
    }

    def of_source(name: str) -> float:
        (first, value), (second, _), *_ = found[f"flink_taskmanager_job_task_{name}"]
        assert first == {**labels, "subtask_index": "0"}
        assert second == {**labels, "subtask_index": "1"}
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
        assert all(values[0][0] == {"job_id": "f" * 32, "job_name": "A job"} for values in found.values())
        return {name.removeprefix(prefix): values[0][1] for name, values in found.items()}

    assert of_job(status_of(GRAPH)) == {
        "runningTime": 10_000,
        "numRestarts": 0,
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
        "numRestarts": 2,
        "numberOfCompletedCheckpoints": 2,
        "numberOfFailedCheckpoints": 1,
        "numberOfInProgressCheckpoints": 1,
        "lastCheckpointDuration": 30,
        "lastCheckpointSize": 4000,
    }


def test_there_are_no_metrics_without_a_running_job() -> None:
    assert samples() == {}
    assert samples(status_of(GRAPH), status_of(GRAPH, state="FINISHED")) == {}


READING_ITSELF = """
    import time, urllib.request
    def main(factory):
        env = factory.get_execution_environment()
        def read(number):
            deadline = time.monotonic() + 20
            text = ""
            while "numRecordsIn{" not in text and time.monotonic() < deadline:
                text = urllib.request.urlopen("http://127.0.0.1:PORT/metrics", timeout=20).read().decode()
            return text
        env.from_elements(1).name("numbers").map(read).output()
        env.execute("Reading itself")
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_running_job_serves_its_metrics(command: Command, port: int) -> None:
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
    assert "pip install 'pyflink-stream[metrics]'" in done.stderr


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_prometheus_gets_the_format_that_it_asks_for(accept: str) -> None:
    response = Metrics().answer("/", {"accept": accept})
    assert response is not None
    assert response.content_type.startswith(accept.partition(";")[0] or "text/plain")
