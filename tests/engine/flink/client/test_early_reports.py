"""What checkpoints would hold up is told early: how far subtasks are, and that they have finished."""

from __future__ import annotations

import pickle
from threading import Lock
from typing import TYPE_CHECKING

import pytest
from job_rest import JOB, JavaSide, JobRest
from launched import Jobs, wait_until

from stream_engine.configuration import Configuration
from stream_engine.flink.client import early_reports
from stream_engine.flink.client.cluster import RemoteJob
from stream_engine.flink.client.early_reports import Answer, EarlyReports
from stream_engine.flink.client.reports import Reports
from stream_engine.flink.client.rest import RestClient
from stream_engine.flink.elements import Envelope, pack_element
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.unfinished import Unfinished
from stream_engine.local.null_monitor import NullMonitor
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_flink import FakeCluster

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.status import JobStatus

INTERVAL = {"execution__checkpointing__interval": "10 min"}


@pytest.fixture
def rest() -> Iterator[JobRest]:
    with JobRest() as rest:
        yield rest


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """One question follows another, and one checkpoint."""
    monkeypatch.setattr(early_reports, "_LOOKS", 0.01)
    monkeypatch.setattr(early_reports, "_CHECKPOINTS", 0.01)


def run(cluster: FakeCluster, capfd: pytest.CaptureFixture[str], *observers: Watcher, **options: str) -> JobGraph:
    env = Jobs(FlinkExecutor(cluster, observers=observers), capfd).environment(2, **options)
    env.from_elements(1, 2, 3, 4).rebalance().map(str).output()
    env.execute("told")
    return cluster.jobs[0].plan


class Sink:
    """Flink's sink for a client, of one job. ``offset`` counts the elements that the client has acknowledged."""

    def __init__(self) -> None:
        self.offset = 0
        self._lock = Lock()
        self._version = "first"
        self._kept: list[bytes] = []
        self._counted: tuple[int, list[bytes]] = (0, [])

    def tell(self, *elements: bytes) -> None:
        with self._lock:
            self._kept += elements

    def checkpoint(self) -> None:
        with self._lock:
            self._counted = self.offset, self._kept.copy()

    def restart(self) -> None:
        """It goes on as it was at the checkpoint."""
        with self._lock:
            self._version += " again"
            self.offset, self._kept = self._counted

    def ask(self, version: str, offset: int) -> Answer:
        with self._lock:
            if version == self._version and offset >= self.offset:
                del self._kept[: offset - self.offset]
                self.offset = offset
                return Answer(version, self._counted[0], self._kept.copy())
            return Answer(self._version, self._counted[0], [])


def test_the_end_of_each_subtask_is_told_before_a_checkpoint(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    unfinished = Unfinished(run(cluster, capfd, **INTERVAL))

    for element in cluster.early:
        unfinished.take(element)

    assert not unfinished


@pytest.mark.parametrize("options", [{}, {**INTERVAL, "execution__attached": "false"}], ids=["at once", "nobody waits"])
def test_nothing_is_told_early_where_no_checkpoint_holds_up_reports(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], options: dict[str, str]
) -> None:
    run(cluster, capfd, **options)

    assert cluster.early == []


def test_checkpoints_are_asked_for_from_the_end_of_the_last_subtask_until_the_reports_have_come(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], rest: JobRest
) -> None:
    rest.faults["POST"] = 2
    plan, sink = run(cluster, capfd, **INTERVAL), Sink()

    with EarlyReports(RestClient(rest.address), JOB, plan, sink.ask) as early:
        sink.tell(*cluster.early[:-1])
        # Of a subtask that has resumed from a checkpoint before its end.
        sink.tell(cluster.early[0])
        asked_early = wait_until(lambda: rest.asked["checkpoint"] > 0, 0.05)
        sink.tell(cluster.early[-1])
        # Flink's sink counts what the client has acknowledged, which the last reports may not be at the first one.
        asked = wait_until(lambda: rest.asked["checkpoint"] >= 2)
        early.stop()
        assert early._checkpoints is not None
        early._checkpoints.join()

    assert (asked_early, asked) == (False, True)


def test_a_client_with_the_reports_of_all_subtasks_asks_for_no_more_checkpoints(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], rest: JobRest
) -> None:
    plan, sink = run(cluster, capfd, **INTERVAL), Sink()
    client = RestClient(rest.address)
    with EarlyReports(client, JOB, plan, sink.ask) as early:
        sink.tell(*cluster.early)
        assert wait_until(lambda: rest.asked["checkpoint"] > 0)
        assert early._checkpoints is not None

        RemoteJob(JavaSide(rest), client, None, restarts=False, endless=False, early=early).complete()  # pyright: ignore[reportArgumentType]
        early._checkpoints.join(10)

        assert not early._checkpoints.is_alive()


def test_a_job_that_has_begun_anew_tells_its_ends_as_before(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], rest: JobRest
) -> None:
    plan, sink = run(cluster, capfd, **INTERVAL), Sink()

    with EarlyReports(RestClient(rest.address), JOB, plan, sink.ask):
        sink.tell(*cluster.early[:2])
        assert wait_until(lambda: sink.offset == 2)
        sink.tell(*cluster.early[2:-1])
        sink.checkpoint()
        sink.restart()
        sink.tell(cluster.early[-1])
        assert wait_until(lambda: rest.asked["checkpoint"] > 0)


def test_a_sink_that_does_not_answer_is_asked_again(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], rest: JobRest
) -> None:
    plan, sink = run(cluster, capfd, **INTERVAL), Sink()
    silent = [RuntimeError("the job has not begun")] * 2

    def ask(version: str, offset: int) -> Answer:
        if silent:
            raise silent.pop()
        return sink.ask(version, offset)

    sink.tell(*cluster.early)
    with EarlyReports(RestClient(rest.address), JOB, plan, ask):
        assert wait_until(lambda: rest.asked["checkpoint"] > 0)


class Watcher:
    def on_status(self, status: JobStatus) -> None: ...


def test_who_watches_is_told_early_how_far_each_subtask_is(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], rest: JobRest
) -> None:
    plan, sink = run(cluster, capfd, Watcher(), **INTERVAL), Sink()
    places = {(task.id, index) for task in plan.tasks for index in range(task.parallelism)}

    with EarlyReports(RestClient(rest.address), JOB, plan, sink.ask) as early:
        sink.tell(*cluster.early)
        assert wait_until(lambda: sink.offset == len(cluster.early))

    statuses = early.statuses()
    assert statuses.keys() == places
    assert sum(pickle.loads(statuses[0, index])[0].records_out for index in range(plan.tasks[0].parallelism)) == 4
    assert early.statuses() == {}


def test_an_early_report_does_not_replace_the_last_one_of_a_subtask(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    class Shown(NullMonitor):
        def __init__(self) -> None:
            self.seen: list[bytes] = []

        def on_report(self, payload: bytes) -> None:
            self.seen.append(payload)

    monitor = Shown()
    reports = Reports(run(cluster, capfd, **INTERVAL), Configuration(), monitor)

    reports.show({(1, 0): b"early"})
    reports.take(pack_element([Envelope(Kind.STATUS, 1, 0, b"last"), Envelope(Kind.FINISHED, 1, 0, b"")]))
    reports.show({(1, 0): b"late", (1, 1): b"of another"})

    assert monitor.seen == [b"early", b"last", b"of another"]
