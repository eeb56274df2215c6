"""Runs a plan in the script's own process."""

from __future__ import annotations

import signal
import sys
import uuid
from contextlib import contextmanager
from threading import current_thread, main_thread
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.connectors.storage_options import configure
from stream_engine.graph.job_graph import has_event_windows
from stream_engine.job import JobCancelledException, JobExecutionException, JobExecutionResult
from stream_engine.local.accumulators import packed, results
from stream_engine.local.files import prepare_files
from stream_engine.local.inline.host import ReaderGone
from stream_engine.local.inline.job import InlineJob, Terminated, users_error
from stream_engine.local.preparation import runnable
from stream_engine.local.stop_signals import Requests, stop_signals
from stream_engine.task.failure import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from stream_engine.configuration import Configuration
    from stream_engine.graph.stream_graph import StreamGraph


class InlineExecutor:
    """An Executor without workers: whatever the parallelism, all subtasks are in this process and thread.

    So ``breakpoint()`` works in user functions, and what they raise has its whole traceback.
    """

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        job_id = uuid.uuid4().hex
        configure(configuration)
        plan, splits = prepare_files(runnable(graph, configuration), job_id)
        start = monotonic()
        job = InlineJob(plan, splits, configuration)
        try:
            with _terminable(), _late_told(job, configuration):
                accumulators = _run(job)
        except BaseException as error:
            stopped_by = _signal_of(error)
            if stopped_by is not None:
                name = signal.Signals(stopped_by).name
                raise JobCancelledException(f"The job was stopped by {name}.", job_id, stopped_by) from error
            failure = describe(error, plan, job.index_of(error))
            raise JobExecutionException.of(failure._replace(exception=None), job_id) from users_error(error)
        return JobExecutionResult(job_id, job_name, int((monotonic() - start) * 1000), results([accumulators], job_id))


def _run(job: InlineJob) -> bytes:
    """Runs the job, and returns its packed accumulators; stops it if it fails."""
    try:
        job.run()
        return packed(job.accumulators)
    except BaseException as error:
        failure = error
    # Here, as what is raised inside of an ``except`` clause would have that error for its context.
    job.stop()
    raise failure


def _signal_of(error: BaseException) -> int | None:
    """The signal that has ended the job by raising ``error``; None if the job has failed."""
    error = users_error(error)
    if type(error) is ReaderGone:
        return error.signal
    if type(error) is Terminated:
        return error.signal
    # Leaving the debugger stops the job, and is no failure; its module is loaded if it has been used.
    debugger = sys.modules.get("bdb")
    # By its type, as a class may have code of its own for ``__class__``.
    if issubclass(type(error), KeyboardInterrupt) or (debugger and issubclass(type(error), debugger.BdbQuit)):
        return signal.SIGINT
    return None


@contextmanager
def _late_told(job: InlineJob, configuration: Configuration) -> Iterator[None]:
    """Says at the end how many late records were dropped."""
    try:
        yield
    finally:
        if any(has_event_windows(node) for task in job.graph.tasks for node in task.operators):
            from stream_engine.local.late_records import LateRecords, late_records

            late = LateRecords(job.graph, configuration)
            for operator, count in late_records(job.subtasks.values()).items():
                late.on_report(0, operator, count)
            late.close()


@contextmanager
def _terminable() -> Iterator[None]:
    """Lets signals end the job by an exception; SIGINT stays with Python or the debugger."""
    if current_thread() is not main_thread():
        yield
        return
    requests = Requests()
    stopping = False

    def terminate(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if not requests.repeats(number) or not stopping:
            stopping = True
            raise Terminated(number)

    numbers = [number for number in stop_signals() if number != signal.SIGINT]
    earlier = {number: signal.signal(number, terminate) for number in numbers}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
