"""Metrics for Prometheus, under the names and labels that Flink's reporter gives them."""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Any

from pyflink_stream.progress.rates import Rates
from pyflink_stream.web.response import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyflink_stream.progress.rates import Rate
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.status import JobStatus, SubtaskStatus, TaskStatus

_CLUSTER = "flink_jobmanager_"
_JOB = _CLUSTER + "job_"
_SUBTASK = "flink_taskmanager_job_task_"
_OPERATOR = _SUBTASK + "operator_"
# Flink's rates of records are means over a minute, its shares of time over the last seconds.
_LONG, _SHORT = 60.0, 5.0
# The characters that Prometheus allows in no name.
_UNUSABLE = re.compile("[^a-zA-Z0-9_:]")
_NO_WATERMARK = -(2**63)


class Metrics:
    """Watches jobs, and answers with the metrics of the one that runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._status: JobStatus | None = None
        # When the job last began to run, or stopped running; in ms since the epoch.
        self._changed_at = 0
        self._long, self._short = Rates(_LONG), Rates(_SHORT)

    def on_status(self, status: JobStatus) -> None:
        with self._lock:
            before = self._status
            if before is None or (before.job_id, before.state) != (status.job_id, status.state):
                self._changed_at = status.time
            self._status = status
            self._long.add(status)
            self._short.add(status)

    def answer(self, path: str, headers: Mapping[str, str]) -> Response | None:
        # Imported when somebody asks: this takes as long as many jobs.
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder

        registry = CollectorRegistry()
        registry.register(self)  # pyright: ignore[reportArgumentType] - it has collect()
        # Whatever the path, as the server of Flink's reporter does.
        encode, content_type = choose_encoder(headers.get("accept", ""))
        return Response(encode(registry), content_type)

    def collect(self) -> Iterator[Any]:
        """The metric families of the moment, for prometheus_client."""
        import os
        import socket

        from prometheus_client.core import Metric

        host = {"host": socket.gethostname()}
        with self._lock:
            status = None if self._status is None or self._status.ended else self._status
            families: dict[str, Any] = {}

            def add(name: str, value: float, labels: dict[str, str]) -> None:
                family = families.get(name)
                if family is None:
                    family = families[name] = Metric(name, _HELP.get(name, "Of a function of the job."), "gauge")
                # Metrics of one name may have different labels: some of a function's metrics belong to a quantile.
                family.add_sample(name, labels, value)

            for name, value in _cluster_values(status):
                add(_CLUSTER + name, value, host)
            if status is not None:
                job = {"job_id": status.job_id, "job_name": _text(status.name)}
                for name, value in _job_values(status, self._changed_at):
                    add(_JOB + name, value, {**host, **job})
                # All workers of a job count as the slots of one task manager.
                worker = {**host, "tm_id": f"{host['host']}:{os.getpid()}", **job}
                for task in status.tasks:
                    for subtask in task.subtasks:
                        labels = {**worker, **_subtask_labels(status, task, subtask)}
                        long, short = (rates.subtask(task.id, subtask.subtask) for rates in (self._long, self._short))
                        for name, value in _subtask_values(subtask, long, short):
                            add(_SUBTASK + name, value, labels)
                        # Prometheus refuses an answer with two equal metrics: the first one counts, as in Flink.
                        taken: set[tuple[str, str, str]] = set()
                        for node in task.task.operators:
                            named = _named(node)
                            for name, value in _operator_values(status, node, task, subtask, long):
                                taken.add((node.name, name, ""))
                                add(_OPERATOR + name, value, {**labels, **named})
                        for metric in subtask.metrics:
                            name = _UNUSABLE.sub("_", metric.name)
                            key = (metric.operator, name, metric.quantile)
                            if isinstance(metric.value, int | float) and key not in taken:
                                taken.add(key)
                                quantile = {"quantile": metric.quantile} if metric.quantile else {}
                                own = {**labels, **_operator_labels(task, metric.operator), **quantile}
                                add(_OPERATOR + name, metric.value, own)
        yield from families.values()


def _text(name: str) -> str:
    """A name in valid UTF-8: the name of a file may have bytes that are no characters."""
    return name.encode("utf-8", "replace").decode()


def _subtask_labels(status: JobStatus, task: TaskStatus, subtask: SubtaskStatus) -> dict[str, str]:
    from uuid import UUID, uuid5

    # A new id after each restart, as the counts then begin at 0.
    attempt = uuid5(UUID(status.job_id), f"{task.id} {subtask.subtask} {status.restarts}")
    return {
        "task_id": f"{task.id + 1:032x}",
        "task_name": _text(task.name),
        "task_attempt_id": attempt.hex,
        "task_attempt_num": str(status.restarts),
        "subtask_index": str(subtask.subtask),
    }


def _cluster_values(status: JobStatus | None) -> Iterator[tuple[str, float]]:
    yield "numRunningJobs", int(status is not None)
    yield "numRegisteredTaskManagers", int(status is not None)
    yield "taskSlotsTotal", 0 if status is None else status.graph.slots
    yield "taskSlotsAvailable", 0


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


def _operator_values(
    status: JobStatus, node: StreamNode, task: TaskStatus, subtask: SubtaskStatus, long: Rate
) -> Iterator[tuple[str, float]]:
    """The metrics of an operator: records in of the first operator of a chain, records out of the last one.

    Records in between are not counted, so a chain with several ends has no records out.
    """
    if node is task.task.head:
        yield "numRecordsIn", subtask.records_in
        yield "numRecordsInPerSecond", long.records_in
        if not node.is_source:
            yield "currentInputWatermark", _NO_WATERMARK if subtask.watermark is None else subtask.watermark
        elif subtask.lag is not None:
            yield "pendingRecords", subtask.lag
    ends = {each.id for each in task.task.operators} - {link.source for link in task.task.links}
    ends |= {exchange.source for exchange in status.graph.outputs(task.id)}
    if ends == {node.id}:
        yield "numRecordsOut", subtask.records_out + subtask.records_written
        yield "numRecordsOutPerSecond", long.records_out
    if node.id in dict(subtask.late):
        yield "numLateRecordsDropped", dict(subtask.late)[node.id]


def _job_values(status: JobStatus, changed_at: int) -> Iterator[tuple[str, float]]:
    running = status.state == "RUNNING"
    yield "runningTime", status.time - status.started
    yield "uptime", status.time - changed_at if running else 0
    yield "downtime", 0 if running else status.time - changed_at
    yield "restartingTime", status.time - changed_at if status.state == "RESTARTING" else 0
    yield "numRestarts", status.restarts
    # The old name of numRestarts: here a restart is always one of all tasks.
    yield "fullRestarts", status.restarts
    in_progress = sum(each.state == "IN_PROGRESS" for each in status.checkpoints)
    yield "totalNumberOfCheckpoints", status.completed_checkpoints + status.failed_checkpoints + in_progress
    yield "numberOfCompletedCheckpoints", status.completed_checkpoints
    yield "numberOfFailedCheckpoints", status.failed_checkpoints
    yield "numberOfInProgressCheckpoints", in_progress
    completed = [checkpoint for checkpoint in status.checkpoints if checkpoint.state == "COMPLETED"]
    # Flink says -1 before there is one.
    duration, size = (completed[-1].duration, completed[-1].size) if completed else (-1, -1)
    yield "lastCheckpointDuration", -1 if duration is None else duration
    yield "lastCheckpointSize", -1 if size is None else size


_HELP = {
    _CLUSTER + "numRunningJobs": "Jobs that run: 0 or 1.",
    _CLUSTER + "numRegisteredTaskManagers": "1 while a job runs: all its workers together.",
    _CLUSTER + "taskSlotsTotal": "Workers of the job that runs.",
    _CLUSTER + "taskSlotsAvailable": "Workers without work: always 0, as a job has as many as it needs.",
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
    _OPERATOR + "numRecordsIn": "Records that the first operator of a chain took in; of a source, those it has read.",
    _OPERATOR + "numRecordsInPerSecond": "The same per second, over the last minute.",
    _OPERATOR + "numRecordsOut": "Records that the last operator of a chain sent to other tasks or wrote.",
    _OPERATOR + "numRecordsOutPerSecond": "The same per second, over the last minute.",
    _OPERATOR + "currentInputWatermark": "As the task's, of its first operator.",
    _OPERATOR + "pendingRecords": "Records that a source knows of and has not read, as of a Kafka topic.",
    _OPERATOR + "numLateRecordsDropped": "Records that came too late for their windows and were dropped.",
    _JOB + "runningTime": "Milliseconds since the job was started.",
    _JOB + "uptime": "Milliseconds since it was last started or restarted; 0 while it does not run.",
    _JOB + "downtime": "Milliseconds since it stopped running; 0 while it runs.",
    _JOB + "restartingTime": "Milliseconds that it has been waiting for its restart; otherwise 0.",
    _JOB + "fullRestarts": "The same as numRestarts.",
    _JOB + "totalNumberOfCheckpoints": "Checkpoints that were completed, failed, or are in progress.",
    _JOB + "numRestarts": "How often the job was restarted.",
    _JOB + "numberOfCompletedCheckpoints": "Checkpoints that were completed.",
    _JOB + "numberOfFailedCheckpoints": "Checkpoints that failed.",
    _JOB + "numberOfInProgressCheckpoints": "Checkpoints in progress.",
    _JOB + "lastCheckpointDuration": "Milliseconds that the last completed checkpoint took; -1: none yet.",
    _JOB + "lastCheckpointSize": "Bytes of the last completed checkpoint; -1: none yet.",
}


def _named(node: StreamNode) -> dict[str, str]:
    return {"operator_id": f"{node.id + 1:032x}", "operator_name": _text(node.name)}


def _operator_labels(task: TaskStatus, name: str) -> dict[str, str]:
    """The labels of the operator of that name in ``task``."""
    return next((_named(node) for node in task.task.operators if node.name == name), {"operator_name": _text(name)})
