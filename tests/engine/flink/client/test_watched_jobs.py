"""Who watches a job on a cluster sees what its subtasks have done, and how it ended."""

from __future__ import annotations

import pickle
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from fake_flink import FakeCluster, FakeJob
from launched import PATIENCE, Jobs
from record_functions import add

from stream_engine.flink.elements import ElementReader
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.job import JobExecutionException
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.status import JobStatus


class Watcher:
    def __init__(self) -> None:
        self.seen: list[JobStatus] = []

    def on_status(self, status: JobStatus) -> None:
        self.seen.append(status)


def watched(capfd: pytest.CaptureFixture[str], cluster: FakeCluster | None = None) -> tuple[Jobs, Watcher]:
    watcher = Watcher()
    return Jobs(FlinkExecutor(cluster or FakeCluster(), observers=[watcher]), capfd), watcher


def test_records_that_are_read_sent_and_written_are_counted(capfd: pytest.CaptureFixture[str]) -> None:
    jobs, watcher = watched(capfd)
    env = jobs.environment(2)
    pairs = env.generate_sequence(1, 30_000).map(lambda number: (number % 3, 1))
    pairs.key_by(lambda pair: pair[0]).reduce(add).filter(lambda pair: pair[1] % 1_000 == 0).output()
    env.execute("counted")

    status = watcher.seen[-1]
    source, reduce = status.tasks
    assert [each.state for each in watcher.seen if each.ended] == ["FINISHED"]
    assert (status.name, status.records_read, status.records_written) == ("counted", 30_000, 30)
    assert (source.records_out, reduce.records_in) == (30_000, 30_000)
    assert source.finished
    assert source.progress is not None
    assert source.progress.done == source.progress.total
    assert sum(each.bytes_in for each in reduce.subtasks) == sum(each.bytes_out for each in source.subtasks) > 0
    assert all(each.busy + each.idle >= 0 for task in status.tasks for each in task.subtasks)


class Few:
    def run(self, ctx: Any) -> None:
        for number in range(7):
            ctx.collect(number)


def test_records_of_a_python_source_are_counted(capfd: pytest.CaptureFixture[str]) -> None:
    jobs, watcher = watched(capfd)
    env = jobs.environment(execution__checkpointing__interval="1 s")
    env.add_source(Few()).rebalance().map(str).set_parallelism(2).output().set_parallelism(1)
    env.execute()

    assert (watcher.seen[-1].records_read, watcher.seen[-1].records_written) == (7, 7)


def test_a_job_that_fails_is_shown_as_such(capfd: pytest.CaptureFixture[str]) -> None:
    jobs, watcher = watched(capfd)
    env = jobs.environment()
    env.from_elements(0).map(lambda number: 1 // number).output()

    with pytest.raises(JobExecutionException):
        env.execute()
    assert watcher.seen[-1].state == "FAILED"
    assert "ZeroDivisionError" in str(watcher.seen[-1].error)


class Silent(FakeJob):
    """Says nothing until ``heard`` is set."""

    heard = Event()

    def reports(self) -> Iterator[bytes]:
        assert self.heard.wait(PATIENCE)
        yield from super().reports()


class SilentCluster(FakeCluster):
    def submit(self, job: Any, configuration: Any, commit: Any) -> Any:
        return Silent(self, job, self._random, 0)


def test_the_status_goes_on_while_a_job_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    class Waiting(Watcher):
        def on_status(self, status: JobStatus) -> None:
            super().on_status(status)
            if len(self.seen) == 3:
                Silent.heard.set()

    watcher = Waiting()
    env = Jobs(FlinkExecutor(SilentCluster(), observers=[watcher]), capfd).environment()
    env.from_elements(1).output()
    env.execute()

    assert [each.state for each in watcher.seen[:3]] == ["RUNNING"] * 3
    assert watcher.seen[2].time > watcher.seen[0].time


def test_subtasks_of_a_job_that_nobody_watches_report_nothing_of_it(hosted: Jobs, cluster: FakeCluster) -> None:
    env = hosted.environment()
    env.from_elements(1).output()
    env.execute()

    assert not any(pickle.loads(stage.deployment).watched for stage in cluster.jobs[0].stages)


class Awaiting:
    """Gives a record, and the next one when that is known to have come to the second task."""

    known = tuple(Event() for _ in range(4))

    def run(self, ctx: Any) -> None:
        for number, known in enumerate(self.known):
            ctx.collect(number)
            assert known.wait(PATIENCE), f"record {number} is not known of"


class Telling(FakeJob):
    """Sets what is known when a report has it."""

    def _hand_on(self, sender: Any, emissions: Any) -> None:
        super()._hand_on(sender, emissions)
        frames = [frame for element in self._reports for frame in ElementReader().read(element)]
        statuses = [pickle.loads(frame.payload).get(1) for frame in frames if frame.kind == Kind.STATUS]
        came = {status.subtask: status.records_in for status in statuses if status}
        for known in Awaiting.known[: sum(came.values())]:
            known.set()


class TellingCluster(FakeCluster):
    def submit(self, job: Any, configuration: Any, commit: Any) -> Any:
        return Telling(self, job, self._random, 0)


def test_what_a_subtask_has_done_is_known_while_nothing_more_comes(capfd: pytest.CaptureFixture[str]) -> None:
    jobs, _ = watched(capfd, TellingCluster())
    env = jobs.environment()
    env.add_source(Awaiting()).rebalance().map(str).set_parallelism(2).output()
    env.execute()

    assert all(known.is_set() for known in Awaiting.known)
