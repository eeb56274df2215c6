"""Whoever waits for a job on a cluster can be stopped at any time, and leaves no job behind without a word."""

from __future__ import annotations

import os
import signal
import time
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from fake_flink import FakeCluster, FakeJob
from launched import PATIENCE, Jobs, wait_until

from stream_engine.api.files import WriteMode
from stream_engine.flink.client import stopping
from stream_engine.flink.client.rest import RestError
from stream_engine.flink.executor import FlinkExecutor, _at_times
from stream_engine.job import JobCancelledException, JobExecutionException
from stream_engine.local.null_monitor import NullMonitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stream_engine.status import JobStatus


class Left(FakeJob):
    """Notes how it was left."""

    def __init__(self, cluster: Any, *args: Any) -> None:
        super().__init__(cluster, *args)
        self._notes: list[bool] = cluster.left

    def leave(self, at_once: bool = False) -> None:
        super().leave(at_once)
        self._notes.append(at_once)


class Cluster(FakeCluster):
    """Calls ``before`` until it commits a job, and ``after`` when the job is there."""

    def __init__(
        self, before: Callable[[], object] = lambda: None, after: Callable[[], object] = lambda: None, job: type = Left
    ) -> None:
        super().__init__()
        self.left: list[bool] = []
        self._before = before
        self._after = after
        self._job = job

    def submit(self, job: Any, configuration: Any, commit: Any) -> Any:
        self._before()
        commit()
        self.jobs.append(job)
        self._after()
        return self._job(self, job, self._random, 0)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def as_py4j_does() -> None:
    """Takes what a signal raises for a fault of its connection."""
    try:
        interrupt()
    except Exception as error:
        raise RuntimeError("An error occurred while calling o1.execute") from error


def as_a_destructor_does() -> None:
    try:
        interrupt()
    except BaseException:
        return


def with_an_error_of_its_own() -> None:
    try:
        interrupt()
    finally:
        raise RuntimeError("Answer from Java side is empty")


def environment(cluster: FakeCluster, capfd: pytest.CaptureFixture[str], *observers: Any, **options: Any) -> Any:
    env = Jobs(FlinkExecutor(cluster, observers=observers), capfd).environment(**options)
    env.from_elements(1).output()
    return env


@pytest.mark.parametrize("before", [interrupt, as_py4j_does, as_a_destructor_does, with_an_error_of_its_own])
def test_a_signal_stops_a_job_before_it_is_there(capfd: pytest.CaptureFixture[str], before: Callable[[], None]) -> None:
    cluster = Cluster(before)

    with pytest.raises(JobCancelledException, match="stopped by SIGINT") as caught:
        environment(cluster, capfd).execute()

    assert caught.value.signal == signal.SIGINT
    assert cluster.jobs == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_while_a_job_is_sent_stops_it_there(capfd: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(after=interrupt)

    with pytest.raises(JobCancelledException, match="stopped by SIGINT"):
        environment(cluster, capfd).execute()

    assert capfd.readouterr().out == ""


def test_a_signal_while_a_detached_job_is_sent_stops_it_there(capfd: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(after=interrupt)

    with pytest.raises(JobCancelledException, match="stopped by SIGINT"):
        environment(cluster, capfd, execution__attached="false").execute()

    assert cluster.left == [False]
    assert "runs as" not in capfd.readouterr().err


class Impatient(Left):
    """Is interrupted twice while it is read."""

    def reports(self) -> Iterator[bytes]:
        interrupt()
        # What comes sooner is the same request.
        time.sleep(0.2)
        interrupt()
        yield b""


def test_a_second_signal_leaves_the_job_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(job=Impatient)

    with pytest.raises(JobCancelledException, match="stopped by SIGINT"):
        environment(cluster, capfd).execute()

    assert cluster.left == [True]


class Starting(FakeJob):
    """Runs until it is stopped with a savepoint, which it declines at first, as its tasks start."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._declines = 2
        self._saved = Event()

    def savepoint(self, directory: str, stop: bool) -> str:
        if self._declines:
            self._declines -= 1
            raise RestError("Failure reason: Not all required tasks are currently running.")
        self._saved.set()
        return f"{directory}/1"

    def reports(self) -> Iterator[bytes]:
        assert self._saved.wait(PATIENCE), "no savepoint was taken"
        return iter(())


@pytest.mark.parametrize("attached", ["true", "false"])
def test_a_signal_while_tasks_start_stops_the_job_with_a_savepoint(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, attached: str
) -> None:
    monkeypatch.setattr(stopping, "_AGAIN", 0.01)
    options = {
        "state__savepoints__dir": "/s",
        "execution__savepoint__on_stop": "true",
        "execution__attached": attached,
    }

    with pytest.raises(JobCancelledException) as caught:
        environment(Cluster(after=interrupt, job=Starting), capfd, **options).execute()

    assert caught.value.savepoint == "/s/1"
    assert capfd.readouterr().err == "Savepoint: /s/1\n"


class Unsaved(FakeJob):
    """Continues, as its savepoint cannot be written."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._asked = Event()

    def savepoint(self, directory: str, stop: bool) -> str:
        self._asked.set()
        raise RestError("no space left on device")

    def reports(self) -> Iterator[bytes]:
        assert self._asked.wait(PATIENCE), "no savepoint was asked for"
        yield from super().reports()


def test_a_savepoint_that_fails_is_told_before_a_job_that_continues_ends(capfd: pytest.CaptureFixture[str]) -> None:
    options = {"state__savepoints__dir": "/s", "execution__savepoint__on_stop": "true"}

    environment(Cluster(after=interrupt, job=Unsaved), capfd, **options).execute()

    said = capfd.readouterr()
    assert said.out == "1\n"
    assert said.err == (
        "The savepoint failed: no space left on device\nThe next signal stops the job without a savepoint.\n"
    )


class Broken:
    def on_status(self, status: JobStatus) -> None:
        raise OSError("no space left on device")


def test_a_view_that_fails_leaves_no_job_running(capfd: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster()

    with pytest.raises(OSError, match="no space left"):
        environment(cluster, capfd, Broken()).execute()

    assert cluster.left == [False]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_an_output_that_cannot_be_written_leaves_no_job_running(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(OSError, match="standard output cannot be written to: No space left"):
            environment(cluster, capfd).execute()
        monkeypatch.undo()
        # What was not written cannot be at its end, either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())

    assert cluster.left == [False]


def test_a_savepoint_that_is_asked_for_too_soon_is_refused_aloud(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said: list[str] = []

    def ask() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert wait_until(lambda: said.append(capfd.readouterr().err) or "".join(said))

    environment(Cluster(ask), capfd, state__savepoints__dir=str(tmp_path)).execute()

    assert "".join(said) == "No savepoint was taken, as the job does not run yet.\n"


def refuse() -> None:
    raise JobExecutionException("The savepoint is of another job.")


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_job_that_is_refused_has_touched_no_output(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, parallelism: int
) -> None:
    (tmp_path / "earlier").write_text("a result")
    env = Jobs(FlinkExecutor(Cluster(refuse)), capfd).environment(parallelism)
    env.from_elements(1).write_as_text(str(tmp_path / "earlier"), WriteMode.OVERWRITE)
    env.from_elements(1).write_as_text(str(tmp_path / "new"))

    with pytest.raises(JobExecutionException, match="of another job"):
        env.execute()

    assert (tmp_path / "earlier").read_text() == "a result"
    assert not (tmp_path / "new").exists()


def test_an_output_that_appears_meanwhile_is_not_overwritten(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cluster = Cluster(lambda: (tmp_path / "out").write_text("of another"))
    env = Jobs(FlinkExecutor(cluster), capfd).environment()
    env.from_elements(1).write_as_text(str(tmp_path / "out"))

    with pytest.raises(JobExecutionException, match="exists already"):
        env.execute()

    assert cluster.jobs == []
    assert (tmp_path / "out").read_text() == "of another"


def test_a_refused_job_that_resumes_has_not_moved_what_it_wrote(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("1\n")
    env = Jobs(FlinkExecutor(Cluster(refuse)), capfd).environment(2, execution__savepoint__path="/savepoint")
    env.from_elements(1).write_as_text(str(tmp_path / "out"))

    with pytest.raises(JobExecutionException, match="of another job"):
        env.execute()

    assert (tmp_path / "out").read_text() == "1\n"


def test_reports_wait_on_the_cluster_for_a_slow_reader() -> None:
    read = 0

    def elements() -> Iterator[bytes]:
        nonlocal read
        for _ in range(10_000):
            read += 1
            yield b""

    reader = _at_times(elements(), NullMonitor(), lambda: None)
    next(reader)

    assert not wait_until(lambda: read > 1_000, 0.5)
    assert sum(1 for _ in reader) == 9_999


def test_the_thread_that_reads_ends_when_nobody_takes_what_it_has() -> None:
    closed = []

    def elements() -> Iterator[bytes]:
        try:
            for _ in range(10_000):
                yield b""
        finally:
            closed.append(True)

    reader = _at_times(elements(), NullMonitor(), lambda: None)
    next(reader)
    reader.close()  # pyright: ignore[reportAttributeAccessIssue]

    assert wait_until(lambda: closed)
