"""A job on a cluster is asked to end until it has ended, and one that is left there is named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from flink_rest import Rest
from job_rest import JOB, JavaSide, JobRest
from launched import PATIENCE, wait_until

from stream_engine.flink.client import ending
from stream_engine.flink.client import rest as rest_client
from stream_engine.flink.client.cluster import RemoteJob
from stream_engine.flink.client.rest import RestClient, RestError
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rest() -> Iterator[JobRest]:
    with JobRest() as rest:
        yield rest


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has asked in vain asks again."""
    monkeypatch.setattr(ending, "_AGAIN", 0.05)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job has much time to end."""
    monkeypatch.setattr(ending, "_PATIENCE", 0.2)
    monkeypatch.setattr(ending, "_SILENCE", 0.1)


def remote(rest: JobRest, java: JavaSide, place: Path | None = None, restarts: bool = False) -> RemoteJob:
    there = None if place is None else str(place)
    return RemoteJob(java, RestClient(rest.address), there, restarts, endless=True)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("faults", [{"POST": 1}, {"POST": 1, "PATCH": 2}, {"GET": 1}])
def test_a_complete_job_ends_although_requests_fail(rest: JobRest, faults: dict[str, int], tmp_path: Path) -> None:
    rest.faults.update(faults)
    job = remote(rest, JavaSide(rest, (b"last",)), tmp_path / "end")

    for _ in job.reports():
        job.complete()

    assert rest.state in ("FINISHED", "CANCELED")


class Declining(JobRest):
    """A job that fails as one of its tasks declines the savepoint that ends it."""

    def _answer(self, method: str, path: str) -> tuple[int, object]:
        if method == "POST":
            self.end("FAILED")
            return 202, {"request-id": "1"}
        if "/savepoints/" in path:
            return 200, {"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {}}}
        return super()._answer(method, path)


def test_a_complete_job_has_finished_even_if_its_last_savepoint_is_declined(tmp_path: Path) -> None:
    with Declining() as rest:
        job = remote(rest, JavaSide(rest, (b"last",), RuntimeError("task is closing")), tmp_path / "end")
        for _ in job.reports():
            job.complete()


def test_a_savepoint_is_taken_although_looks_at_it_fail(rest: JobRest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_client, "_AGAIN", 0.01)
    rest.faults["GET"] = 2

    assert RestClient(rest.address).savepoint(JOB, os.curdir, stop=True) == "/savepoint"


def test_a_savepoint_of_which_nothing_is_told_for_long_has_failed(
    rest: JobRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_client, "_AGAIN", 0.01)
    monkeypatch.setattr(rest_client, "_SILENCE", 0.05)
    rest.faults["GET"] = 1_000_000

    with pytest.raises(RestError, match="500"):
        RestClient(rest.address).savepoint(JOB, os.curdir, stop=True)


def test_the_savepoint_that_ends_a_complete_job_is_deleted(rest: JobRest, tmp_path: Path) -> None:
    place = tmp_path / "end"
    job = remote(rest, JavaSide(rest, (b"last",)), place)

    for _ in job.reports():
        job.complete()
        job.complete()

    assert (rest.state, rest.asked["POST"], rest.asked["disposal"], rest.asked["PATCH"]) == ("FINISHED", 1, 1, 0)
    assert not place.exists()


@pytest.mark.parametrize("faults", [0, 2])
def test_a_job_is_cancelled_although_requests_fail(rest: JobRest, faults: int) -> None:
    rest.faults["PATCH"] = faults
    job = remote(rest, JavaSide(rest, (), RuntimeError("Job was cancelled.")))

    job.cancel()

    assert list(job.reports()) == []
    assert rest.state == "CANCELED"


@pytest.mark.usefixtures("hasty")
def test_a_job_is_cancelled_again_where_the_cluster_forgets_it(rest: JobRest) -> None:
    rest.loses = 2
    job = remote(rest, JavaSide(rest))

    job.cancel()

    assert list(job.reports()) == []
    assert rest.asked["PATCH"] == 3


def test_cancelling_does_not_wait_for_the_cluster(rest: JobRest) -> None:
    rest.silent = True
    job = remote(rest, JavaSide(rest))

    job.cancel()

    assert wait_until(lambda: rest.asked["PATCH"] > 0)
    rest.silent = False
    assert rest.ended.wait(PATIENCE)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("at_once", [False, True])
def test_a_job_that_is_left_is_named(rest: JobRest, capfd: pytest.CaptureFixture[str], at_once: bool) -> None:
    rest.faults["PATCH"] = 1_000
    remote(rest, JavaSide(rest)).leave(at_once)

    said = capfd.readouterr().err
    assert f"may still run on the Flink cluster as {JOB}" in said
    assert f"http://{rest.address}/#/job/{JOB}" in said


def test_a_job_that_ends_when_it_is_left_is_not_named(rest: JobRest, capfd: pytest.CaptureFixture[str]) -> None:
    remote(rest, JavaSide(rest)).leave()

    assert rest.state == "CANCELED"
    assert capfd.readouterr().err == ""


def failure(job: RemoteJob) -> str:
    with pytest.raises(JobExecutionException) as caught:
        list(job.reports())
    assert caught.value.get_job_id() == JOB
    return str(caught.value)


@pytest.mark.usefixtures("hasty")
def test_reports_that_end_before_their_job_fail_and_cancel_it(rest: JobRest) -> None:
    java = JavaSide(rest)
    java.ends_early = True

    said = failure(remote(rest, java))

    assert said.startswith("Nothing more is told of the job, although it has not ended: it was RUNNING")
    assert f"/#/job/{JOB}" in said
    # By another thread.
    assert wait_until(lambda: rest.state == "CANCELED")


@pytest.mark.usefixtures("hasty")
def test_reports_of_a_cluster_that_has_gone_fail_and_name_the_job(
    rest: JobRest, capfd: pytest.CaptureFixture[str]
) -> None:
    rest.silent = True
    java = JavaSide(rest, (), RuntimeError("Connection refused"))
    java.ends_early = True

    assert "Connection refused" in failure(remote(rest, java))
    assert f"may still run on the Flink cluster as {JOB}" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("CANCELED", "The job was cancelled on the Flink cluster."),
        ("FAILED", "The job failed on the Flink cluster"),
        ("GONE", "The Flink cluster does not know the job any more"),
    ],
)
def test_reports_that_end_without_an_error_do_not_make_a_job_finished(rest: JobRest, state: str, said: str) -> None:
    rest.end(state)

    assert failure(remote(rest, JavaSide(rest))).startswith(said)


@pytest.mark.usefixtures("hasty")
def test_a_complete_job_has_finished_even_if_its_cluster_goes(rest: JobRest) -> None:
    java = JavaSide(rest, (b"last",), RuntimeError("Connection refused"))
    java.ends_early = True
    job = remote(rest, java)

    for _ in job.reports():
        rest.silent = True
        job.complete()


class Odd(Rest):
    """Answers what no Flink answers."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answers = {f"/jobs/{JOB}{part}": answer for part in ("", "/status", "/stop")}


@pytest.mark.parametrize("answer", [None, [], {}, {"request-id": "1"}])
def test_an_answer_that_is_none_of_flinks_is_told_as_such(answer: Any) -> None:
    with Odd(answer) as odd:
        odd.answers[f"/jobs/{JOB}/savepoints/1"] = {"status": "COMPLETED"}
        client = RestClient(odd.address)
        with pytest.raises(RestError, match="no Flink"):
            client.state(JOB)
        with pytest.raises(RestError, match="no Flink"):
            client.savepoint(JOB, os.curdir, stop=True)


def test_a_connection_that_ends_without_an_answer_is_told_as_such(rest: JobRest) -> None:
    rest.silent = True

    with pytest.raises(RestError):
        RestClient(rest.address).state(JOB)
