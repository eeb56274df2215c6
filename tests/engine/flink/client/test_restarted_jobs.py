"""Restarts of a job on a cluster are told of, and a failure that would come again ends it."""

from __future__ import annotations

from typing import Any

import pytest
from fake_flink import FakeCluster
from launched import Jobs, wait_until

from stream_engine.flink.client.rest import RestError
from stream_engine.flink.client.restarts import Restarts
from stream_engine.flink.exception_text import final_text
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.worker.host import SubtaskFailed, SubtaskHost
from stream_engine.job import JobExecutionException
from stream_engine.operators.snapshot import StateError


class Rest:
    """Knows one job."""

    def __init__(self, state: str, *failures: tuple[int, str]) -> None:
        self.state = state
        self.entries = [{"timestamp": time, "stacktrace": text} for time, text in failures]
        self.cancelled: list[str] = []
        self.faults = 0

    def failures(self, identifier: str) -> list[dict[str, Any]]:
        return self.entries

    def job(self, identifier: str) -> dict[str, Any]:
        return {"state": self.state}

    def cancel(self, identifier: str) -> None:
        if self.faults:
            self.faults -= 1
            raise RestError("500")
        self.cancelled.append(identifier)


def text_of(error: Exception, capfd: pytest.CaptureFixture[str]) -> str:
    """What Flink has of an error that a function raises."""
    texts: list[str] = []
    failure = SubtaskHost.failure

    def noted(host: SubtaskHost, error: BaseException) -> SubtaskFailed:
        failed = failure(host, error)
        texts.append(str(failed))
        return failed

    def fail(number: int) -> int:
        raise error

    env = Jobs(FlinkExecutor(FakeCluster()), capfd).environment()
    env.from_elements(1).map(fail).output()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SubtaskHost, "failure", noted)
        with pytest.raises(JobExecutionException):
            env.execute()
    capfd.readouterr()
    return f"java.lang.RuntimeException: {texts[0]}\n\tat org.apache.flink.Some"


def test_each_restart_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    rest = Rest("RUNNING", (20, "Process died with exit code 137"), (10, text_of(ValueError("wrong"), capfd)))
    restarts = Restarts(rest, "job")  # pyright: ignore[reportArgumentType]

    restarts.look()
    restarts.look()
    rest.entries.insert(0, {"timestamp": 30, "stacktrace": "java.io.IOException: no space left"})
    restarts.look()

    first, second, third = capfd.readouterr().err.splitlines()
    assert first.startswith("Restart 1: ValueError: wrong")
    assert second.startswith("Restart 2: A Python worker of the cluster died")
    assert third.startswith("Restart 3: The job failed on the Flink cluster: java.io.IOException: no space left")
    assert rest.cancelled == []


def test_the_last_failure_is_not_told_as_a_restart(capfd: pytest.CaptureFixture[str]) -> None:
    Restarts(Rest("FAILED", (10, "Process died with exit code 137")), "job").look()  # pyright: ignore[reportArgumentType]

    assert capfd.readouterr().err == ""


def test_a_failure_that_would_come_again_cancels_the_job(capfd: pytest.CaptureFixture[str]) -> None:
    rest = Rest("RESTARTING", (10, text_of(StateError("too large"), capfd)))
    restarts = Restarts(rest, "job")  # pyright: ignore[reportArgumentType]

    restarts.look()

    assert rest.cancelled == ["job"]
    assert restarts.final is not None
    assert "too large" in restarts.final.headline
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("faults", [0, 1])
def test_it_is_cancelled_as_long_as_it_goes_on(capfd: pytest.CaptureFixture[str], faults: int) -> None:
    rest = Rest("RESTARTING", (10, text_of(StateError("too large"), capfd)))
    rest.faults = faults
    restarts = Restarts(rest, "job")  # pyright: ignore[reportArgumentType]

    with restarts:
        assert wait_until(lambda: len(rest.cancelled) > 1)
        rest.state = "CANCELLING"

    assert restarts.final is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"RuntimeError: {final_text('The workers run Python 3.10.')}\n\tat x", "The workers run Python 3.10."),
        ("Caused by: Failed\nModuleNotFoundError: No module named 'pyflink'\n\tat x", "has no apache-flink"),
    ],
)
def test_workers_that_cannot_run_the_job_are_not_started_again(
    capfd: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    rest = Rest("RESTARTING", (10, text))
    restarts = Restarts(rest, "job")  # pyright: ignore[reportArgumentType]

    restarts.look()

    assert rest.cancelled == ["job"]
    assert restarts.final is not None
    assert said in restarts.final.headline
    assert capfd.readouterr().err == ""
