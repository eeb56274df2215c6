"""The last word on a job: one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflink_stream.progress import texts
from stream_engine.report import one_line

if TYPE_CHECKING:
    from stream_engine.status import JobStatus

_ENDED = {"FINISHED": "finished", "FAILED": "failed", "CANCELED": "was stopped"}


def outcome(status: JobStatus) -> str:
    """For example ``Word count finished``."""
    return f"{one_line(status.name)} {_ENDED.get(status.state, status.state.lower())}"


def figures(status: JobStatus) -> str:
    """For example ``1,000 records in, 50 out, 1.20 s, 833/s``: what sources have read and sinks written."""
    seconds = (status.time - status.started) / 1000
    read = status.records_read
    has_sink = any(node.is_sink for task in status.tasks for node in task.task.operators)
    written = f", {status.records_written:,} out" if has_sink else ""
    rate = f", {read / seconds:,.0f}/s" if seconds > 0 else ""
    restarts = f", restarted {status.restarts}×" if status.restarts else ""
    records = f"{read:,} {_records(read)} in"
    late = f", {status.late_records:,} late {_records(status.late_records)} dropped" if status.late_records else ""
    return f"{records}{written}{late}, {texts.exact_duration(seconds)}{rate}{restarts}"


def _records(number: int) -> str:
    return "record" if number == 1 else "records"
