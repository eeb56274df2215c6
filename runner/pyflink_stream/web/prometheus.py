"""Metrics for Prometheus, under the names and labels that Flink's reporter gives them."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from pyflink_stream.progress.rates import Rates
from pyflink_stream.web.server import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyflink_stream.progress.rates import Rate
    from stream_engine.status import JobStatus, SubtaskStatus

_SUBTASK = "flink_taskmanager_job_task_"
_JOB = "flink_jobmanager_job_"
# Flink's rates of records are means over a minute, its shares of time over the last moments.
_LONG, _SHORT = 60.0, 5.0
_NO_WATERMARK = -(2**63)


class Metrics:
    """Watches jobs, and answers with the metrics of the one that runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._status: JobStatus | None = None
        self._long, self._short = Rates(_LONG), Rates(_SHORT)

    def on_status(self, status: JobStatus) -> None:
        with self._lock:
            self._status = status
            self._long.add(status)
            self._short.add(status)

    def answer(self, path: str, headers: Mapping[str, str]) -> Response | None:
        # Not before somebody asks: many jobs take no longer than this does.
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder

        registry = CollectorRegistry()
        registry.register(self)  # pyright: ignore[reportArgumentType] - it has collect()
        # As the server of Flink's reporter does, whatever the path.
        encode, content_type = choose_encoder(headers.get("accept", ""))
        return Response(encode(registry), content_type)

    def collect(self) -> Iterator[Any]:
        """The metric families of the moment, for prometheus_client."""
        from prometheus_client.core import GaugeMetricFamily

        with self._lock:
            status = self._status
            if status is None or status.ended:
                return
            job = {"job_id": status.job_id, "job_name": _text(status.name)}
            families: dict[str, Any] = {}

            def add(name: str, value: float, labels: dict[str, str]) -> None:
                family = families.get(name)
                if family is None:
                    family = families[name] = GaugeMetricFamily(name, _HELP[name], labels=list(labels))
                family.add_metric(list(labels.values()), value)

            for name, value in _job_values(status):
                add(_JOB + name, value, job)
            for task in status.tasks:
                for subtask in task.subtasks:
                    labels = {**job, "task_id": f"{task.id + 1:032x}", "task_name": _text(task.name)}
                    labels["subtask_index"] = str(subtask.subtask)
                    long, short = (rates.subtask(task.id, subtask.subtask) for rates in (self._long, self._short))
                    for name, value in _subtask_values(subtask, long, short):
                        add(_SUBTASK + name, value, labels)
        yield from families.values()


def _text(name: str) -> str:
    """A name as UTF-8 can have it; one that is made of a file's may have bytes that are no characters."""
    return name.encode("utf-8", "replace").decode()


def _subtask_values(subtask: SubtaskStatus, long: Rate, short: Rate) -> Iterator[tuple[str, float]]:
    yield "numRecordsIn", subtask.records_in
    yield "numRecordsOut", subtask.records_out + subtask.records_written
    yield "numRecordsInPerSecond", long.records_in
    yield "numRecordsOutPerSecond", long.records_out
    yield "numBytesIn", subtask.bytes_in
    yield "numBytesOut", subtask.bytes_out
    yield "numBytesInPerSecond", long.bytes_in
    yield "numBytesOutPerSecond", long.bytes_out
    yield "busyTimeMsPerSecond", short.busy * 1000
    yield "backPressuredTimeMsPerSecond", short.backpressured * 1000
    yield "idleTimeMsPerSecond", short.idle * 1000
    yield "buffers_inputQueueLength", subtask.queued
    yield "currentInputWatermark", _NO_WATERMARK if subtask.watermark is None else subtask.watermark


def _job_values(status: JobStatus) -> Iterator[tuple[str, float]]:
    yield "runningTime", status.time - status.started
    yield "numRestarts", status.restarts
    yield "numberOfCompletedCheckpoints", status.completed_checkpoints
    yield "numberOfFailedCheckpoints", status.failed_checkpoints
    yield "numberOfInProgressCheckpoints", sum(each.state == "IN_PROGRESS" for each in status.checkpoints)
    completed = [checkpoint for checkpoint in status.checkpoints if checkpoint.state == "COMPLETED"]
    # Flink says -1 before there is one.
    duration, size = (completed[-1].duration, completed[-1].size) if completed else (-1, -1)
    yield "lastCheckpointDuration", -1 if duration is None else duration
    yield "lastCheckpointSize", -1 if size is None else size


_HELP = {
    _SUBTASK + "numRecordsIn": "Records taken in; of a source, those it has read.",
    _SUBTASK + "numRecordsOut": "Records sent to other tasks or written by sinks.",
    _SUBTASK + "numRecordsInPerSecond": "Records taken in per second, over the last minute.",
    _SUBTASK + "numRecordsOutPerSecond": "Records sent or written per second, over the last minute.",
    _SUBTASK + "numBytesIn": "Bytes received from other workers.",
    _SUBTASK + "numBytesOut": "Bytes sent to other workers.",
    _SUBTASK + "numBytesInPerSecond": "Bytes received per second, over the last minute.",
    _SUBTASK + "numBytesOutPerSecond": "Bytes sent per second, over the last minute.",
    _SUBTASK + "busyTimeMsPerSecond": "Milliseconds of a second with work of its own.",
    _SUBTASK + "backPressuredTimeMsPerSecond": "Milliseconds of a second held up by what is downstream.",
    _SUBTASK + "idleTimeMsPerSecond": "Milliseconds of a second without input.",
    _SUBTASK + "buffers_inputQueueLength": "Frames of records that wait for the subtask.",
    _SUBTASK + "currentInputWatermark": "The input's event time in ms; the least 64-bit integer when it has none.",
    _JOB + "runningTime": "Milliseconds since the job was started.",
    _JOB + "numRestarts": "How often the job was restarted.",
    _JOB + "numberOfCompletedCheckpoints": "Checkpoints that were completed.",
    _JOB + "numberOfFailedCheckpoints": "Checkpoints that failed.",
    _JOB + "numberOfInProgressCheckpoints": "Checkpoints under way.",
    _JOB + "lastCheckpointDuration": "Milliseconds that the last completed checkpoint took; -1: none yet.",
    _JOB + "lastCheckpointSize": "Bytes of the last completed checkpoint; -1: none yet.",
}
