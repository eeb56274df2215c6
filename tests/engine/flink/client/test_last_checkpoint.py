"""A job takes its last checkpoint when all of its subtasks have finished, and does not wait for the interval."""

from __future__ import annotations

from queue import Queue
from typing import TYPE_CHECKING

import pytest
from job_rest import JOB, JobRest
from launched import Jobs, wait_until

from stream_engine.flink.client import last_checkpoint
from stream_engine.flink.client.last_checkpoint import LastCheckpoint
from stream_engine.flink.client.rest import RestClient
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_flink import FakeCluster

    from stream_engine.graph.job_graph import JobGraph

INTERVAL = {"execution__checkpointing__interval": "10 min"}


@pytest.fixture
def rest() -> Iterator[JobRest]:
    rest = JobRest()
    yield rest
    rest.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint that was declined is asked for again."""
    monkeypatch.setattr(last_checkpoint, "_AGAIN", 0.01)


def run(cluster: FakeCluster, capfd: pytest.CaptureFixture[str], **options: str) -> JobGraph:
    env = Jobs(FlinkExecutor(cluster), capfd).environment(2, **options)
    env.from_elements(1, 2, 3, 4).rebalance().map(str).output()
    env.execute("told")
    return cluster.jobs[0].plan


class Ends:
    """What Java gives, as it comes."""

    def __init__(self) -> None:
        self._queue: Queue[bytes | None] = Queue()
        self.tell = self._queue.put

    def __iter__(self) -> Iterator[bytes]:
        while (element := self._queue.get()) is not None:
            yield element


def test_the_end_of_each_subtask_is_told_before_a_checkpoint(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    unfinished = Unfinished(run(cluster, capfd, **INTERVAL))

    for element in cluster.ends:
        unfinished.take(element)

    assert not unfinished


@pytest.mark.parametrize("options", [{}, {**INTERVAL, "execution__attached": "false"}], ids=["at once", "nobody waits"])
def test_no_end_is_told_where_no_checkpoint_holds_up_reports(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], options: dict[str, str]
) -> None:
    run(cluster, capfd, **options)

    assert cluster.ends == []


@pytest.mark.parametrize("declines", [0, 2])
def test_a_checkpoint_is_asked_for_when_the_last_subtask_has_finished(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], rest: JobRest, declines: int
) -> None:
    rest.declines = declines
    plan, ends = run(cluster, capfd, **INTERVAL), Ends()

    with LastCheckpoint(RestClient(rest.address), JOB, plan, iter(ends)):
        for element in cluster.ends[:-1]:
            ends.tell(element)
        # Of a subtask that has resumed from a checkpoint before its end.
        ends.tell(cluster.ends[0])
        asked_early = wait_until(lambda: rest.asked["checkpoint"] > 0, 0.05)
        ends.tell(cluster.ends[-1])
        asked = wait_until(lambda: rest.asked["checkpoint"] == declines + 1)
        ends.tell(cluster.ends[0])
        asked_again = wait_until(lambda: rest.asked["checkpoint"] == declines + 2)
        ends.tell(None)

    assert (asked_early, asked, asked_again) == (False, True, True)


def test_what_goes_wrong_with_the_ends_leaves_the_job_alone(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], rest: JobRest
) -> None:
    def ends() -> Iterator[bytes]:
        yield from cluster.ends[:1]
        raise RuntimeError("Java has gone")

    plan = run(cluster, capfd, **INTERVAL)
    with LastCheckpoint(RestClient(rest.address), JOB, plan, ends()) as last:
        last._thread.join()

    assert (rest.state, rest.asked) == ("RUNNING", {})
