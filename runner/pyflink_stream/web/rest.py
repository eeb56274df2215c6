"""Jobs as the JSON of Flink's REST API, with its keys. What Flink does not have is under ``live``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyflink_stream import __version__
from stream_engine.graph.partitioners import ship_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflink_stream.progress.rates import Rate
    from pyflink_stream.web.history import JobHistory
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.status import CheckpointStatus, JobStatus, SubtaskStatus, TaskStatus

_TASK_STATES = (
    *("CREATED", "SCHEDULED", "DEPLOYING", "INITIALIZING", "RUNNING"),
    *("FINISHED", "CANCELING", "CANCELED", "FAILED", "RECONCILING"),
)
_JOB_STATES = (
    *("CREATED", "INITIALIZING", "RUNNING", "RESTARTING", "FINISHED", "FAILING"),
    *("FAILED", "CANCELLING", "CANCELED", "SUSPENDED", "RECONCILING"),
)


def overview(jobs: Sequence[JobStatus]) -> dict[str, Any]:
    """``/overview``: a slot is a worker of the running job."""
    slots = sum(job.graph.slots for job in jobs if not job.ended)
    states = [job.state for job in jobs]
    return {
        "taskmanagers": 1 if slots else 0,
        "slots-total": slots,
        "slots-available": 0,
        "jobs-running": sum(not job.ended for job in jobs),
        "jobs-finished": states.count("FINISHED"),
        "jobs-cancelled": states.count("CANCELED"),
        "jobs-failed": states.count("FAILED"),
        "flink-version": f"pyflink-stream {__version__}",
        "flink-commit": "unknown",
    }


def job_ids(jobs: Sequence[JobStatus]) -> dict[str, Any]:
    """``/jobs``"""
    return {"jobs": [{"id": job.job_id, "status": job.state} for job in jobs]}


def jobs_overview(jobs: Sequence[JobStatus]) -> dict[str, Any]:
    """``/jobs/overview``"""
    return {"jobs": [_job_summary(job) for job in jobs]}


def _job_summary(job: JobStatus) -> dict[str, Any]:
    counts = _counted([_state(job, subtask) for task in job.tasks for subtask in task.subtasks])
    tasks = {"total": sum(counts.values()), **{state.lower(): count for state, count in counts.items()}}
    return {"jid": job.job_id, "name": job.name, **_times(job), "last-modification": job.time, "tasks": tasks}


def job_details(history: JobHistory) -> dict[str, Any]:
    """``/jobs/<id>``"""
    job = history.status
    states = [_task_state(job, task) for task in job.tasks]
    return {
        "jid": job.job_id,
        "name": job.name,
        "isStoppable": False,
        **_times(job),
        "maxParallelism": -1,
        "now": job.time,
        "timestamps": {**dict.fromkeys(_JOB_STATES, 0), "CREATED": job.started, job.state: job.time},
        "vertices": [_vertex(history, task) for task in job.tasks],
        "status-counts": _counted(states),
        "plan": plan(job)["plan"],
        "live": {
            "records-read": job.records_read,
            "records-written": job.records_written,
            "numLateRecordsDropped": job.late_records,
            "restarts": job.restarts,
            "error": job.error,
            "checkpoint-interval": job.checkpoint_interval,
            "history-times": list(history.times),
        },
    }


def plan(job: JobStatus) -> dict[str, Any]:
    """``/jobs/<id>/plan``: a node for each task. ``operators`` and ``feedback`` are ours."""
    return {
        "plan": {
            "jid": job.job_id,
            "name": job.name,
            "type": "STREAMING",
            "nodes": [
                {
                    "id": vertex_id(task.id),
                    "parallelism": task.parallelism,
                    "operator": "",
                    "operator_strategy": "",
                    "description": task.name,
                    "operators": [node.name for node in task.operators],
                    "inputs": [
                        {
                            "num": number,
                            "id": vertex_id(exchange.source_task),
                            "ship_strategy": ship_strategy(exchange.partitioner),
                            "exchange": "pipelined_bounded",
                            "feedback": exchange.feedback,
                        }
                        for number, exchange in enumerate(job.graph.inputs(task.id))
                    ],
                    "optimizer_properties": {},
                }
                for task in job.graph.tasks
            ],
        }
    }


def checkpoints(job: JobStatus) -> dict[str, Any]:
    """``/jobs/<id>/checkpoints``, the last one first."""
    by_state = {
        state: [each for each in job.checkpoints if each.state == state]
        for state in ("IN_PROGRESS", "COMPLETED", "FAILED")
    }
    completed, failed = by_state["COMPLETED"], by_state["FAILED"]
    savepoints = [each for each in completed if each.savepoint]
    sizes = [each.size for each in completed if each.size is not None]
    durations = [each.duration for each in completed if each.duration is not None]
    return {
        "counts": {
            "restored": job.restarts,
            "total": job.completed_checkpoints + job.failed_checkpoints + len(by_state["IN_PROGRESS"]),
            "in_progress": len(by_state["IN_PROGRESS"]),
            "completed": job.completed_checkpoints,
            "failed": job.failed_checkpoints,
        },
        "summary": {"state_size": _spread(sizes), "end_to_end_duration": _spread(durations)},
        "latest": {
            "completed": _checkpoint(completed[-1]) if completed else None,
            "savepoint": _checkpoint(savepoints[-1]) if savepoints else None,
            "failed": _checkpoint(failed[-1]) if failed else None,
            "restored": None,
        },
        "history": [_checkpoint(each) for each in reversed(job.checkpoints)],
    }


def exceptions(job: JobStatus) -> dict[str, Any]:
    """``/jobs/<id>/exceptions``"""
    timestamp = job.time if job.error else None
    return {"root-exception": job.error, "timestamp": timestamp, "all-exceptions": [], "truncated": False}


def vertex_id(task: int) -> str:
    """An id as long as Flink's; tasks are counted from 1, as in plans."""
    return f"{task + 1:032x}"


# --- parts -----------------------------------------------------------------------------------------------------------


def _times(job: JobStatus) -> dict[str, Any]:
    return {
        "state": job.state,
        "start-time": job.started,
        "end-time": job.time if job.ended else -1,
        "duration": job.time - job.started,
    }


def _vertex(history: JobHistory, task: TaskStatus) -> dict[str, Any]:
    job, rate = history.status, history.rates.task(task.id)
    samples = history.samples[task.id]
    progress = task.progress
    return {
        "id": vertex_id(task.id),
        "name": task.name,
        "maxParallelism": -1,
        "parallelism": task.parallelism,
        "status": _task_state(job, task),
        "start-time": job.started,
        "end-time": job.time if task.finished or job.ended else -1,
        "duration": job.time - job.started,
        "tasks": _counted([_state(job, subtask) for subtask in task.subtasks]),
        "metrics": _metrics(task.subtasks),
        "live": {
            **_shares(rate),
            "records-in-per-second": rate.records_in,
            "records-out-per-second": rate.records_out,
            "watermark": task.watermark,
            "numLateRecordsDropped": task.late_records,
            "operators": [_operator(node, task) for node in task.task.operators],
            "progress": progress and {"done": progress.done, "total": progress.total, "unit": progress.unit},
            "records-lag": task.lag,
            "seconds-left": history.long_rates.seconds_left(task.id),
            "subtasks": [_subtask(history, task, subtask) for subtask in task.subtasks],
            "history": {
                "records-in-per-second": [round(sample.records_in, 1) for sample in samples],
                "records-out-per-second": [round(sample.records_out, 1) for sample in samples],
                "busy": [round(sample.busy, 3) for sample in samples],
                "backpressured": [round(sample.backpressured, 3) for sample in samples],
            },
        },
    }


def _operator(node: StreamNode, task: TaskStatus) -> dict[str, Any]:
    """``numLateRecordsDropped`` is null where records cannot be late."""
    late = [count for subtask in task.subtasks for operator, count in subtask.late if operator == node.id]
    return {"name": node.name, "numLateRecordsDropped": sum(late) if late else None}


def _subtask(history: JobHistory, task: TaskStatus, subtask: SubtaskStatus) -> dict[str, Any]:
    return {
        "subtask": subtask.subtask,
        "status": _state(history.status, subtask),
        "read-records": subtask.records_in,
        "write-records": subtask.records_out + subtask.records_written,
        "queued": subtask.queued,
        "watermark": subtask.watermark,
        "records-lag": subtask.lag,
        **({"metrics": [metric._asdict() for metric in subtask.metrics]} if subtask.metrics else {}),
        "numLateRecordsDropped": subtask.late_records,
        **_shares(history.rates.subtask(task.id, subtask.subtask)),
    }


def _metrics(subtasks: Sequence[SubtaskStatus]) -> dict[str, Any]:
    return {
        "read-bytes": sum(subtask.bytes_in for subtask in subtasks),
        "read-bytes-complete": True,
        "write-bytes": sum(subtask.bytes_out for subtask in subtasks),
        "write-bytes-complete": True,
        "read-records": sum(subtask.records_in for subtask in subtasks),
        "read-records-complete": True,
        "write-records": sum(subtask.records_out + subtask.records_written for subtask in subtasks),
        "write-records-complete": True,
        "accumulated-backpressured-time": sum(subtask.backpressured for subtask in subtasks),
        "accumulated-idle-time": sum(subtask.idle for subtask in subtasks),
        "accumulated-busy-time": sum(subtask.busy for subtask in subtasks),
    }


def _shares(rate: Rate) -> dict[str, float]:
    return {"busy": round(rate.busy, 3), "backpressured": round(rate.backpressured, 3), "idle": round(rate.idle, 3)}


def _task_state(job: JobStatus, task: TaskStatus) -> str:
    states = {_state(job, subtask) for subtask in task.subtasks}
    if len(states) == 1:
        return states.pop()
    # As in Flink, a task has failed if one subtask has, and has finished when all have.
    return next((state for state in ("FAILED", "CANCELED") if state in states), "RUNNING")


def _state(job: JobStatus, subtask: SubtaskStatus) -> str:
    if subtask.finished:
        return "FINISHED"
    if job.state != "FAILED":
        return {"RESTARTING": "CREATED"}.get(job.state, job.state)
    # If it is not known which subtask failed, all of them count as failed.
    return "FAILED" if subtask.failed or not any(task.failed for task in job.tasks) else "CANCELED"


def _counted(states: Sequence[str]) -> dict[str, int]:
    return {state: states.count(state) for state in _TASK_STATES}


def _checkpoint(checkpoint: CheckpointStatus) -> dict[str, Any]:
    ended = checkpoint.duration is not None
    return {
        "id": checkpoint.id,
        "status": checkpoint.state,
        "is_savepoint": checkpoint.savepoint,
        "trigger_timestamp": checkpoint.started,
        "latest_ack_timestamp": checkpoint.started + (checkpoint.duration or 0) if ended else -1,
        "state_size": checkpoint.size or 0,
        "end_to_end_duration": checkpoint.duration or 0,
    }


def _spread(values: Sequence[int]) -> dict[str, int]:
    if not values:
        return {"min": 0, "max": 0, "avg": 0}
    return {"min": min(values), "max": max(values), "avg": sum(values) // len(values)}
