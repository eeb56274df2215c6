"""What functions have printed, and output() has written, right before the job failed comes to the terminal, once."""

from __future__ import annotations

from typing import Any

import pytest
from fake_flink import FakeCluster
from launched import Jobs

from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.worker.console import LastLines, printed
from stream_engine.job import JobExecutionException
from stream_engine.wire.messages import Kind


def failing(jobs: Jobs, last: int, **options: Any) -> Any:
    """A plan that fails after the record ``last``."""
    env = jobs.environment(1, **options)
    env.generate_sequence(1, last + 1).map(lambda number: number if number <= last else 1 // 0).output()
    return env


def written_by(jobs: Jobs, last: int, capfd: pytest.CaptureFixture[str], **options: Any) -> tuple[list[str], str]:
    with pytest.raises(JobExecutionException, match="ZeroDivisionError"):
        failing(jobs, last, **options).execute()
    written = capfd.readouterr()
    return written.out.splitlines(), written.err


def test_lines_before_the_record_that_fails_are_written(
    hosted: Jobs, inline: Jobs, capfd: pytest.CaptureFixture[str]
) -> None:
    found = written_by(hosted, 3, capfd)

    assert found == (["1", "2", "3"], "")
    assert found == written_by(inline, 3, capfd)


def say(number: int) -> int:
    printed.add(Kind.ERRORS, f"I see {number}\n")
    return 6 // number


def test_what_functions_print_before_the_record_that_fails_is_written(
    hosted: Jobs, capfd: pytest.CaptureFixture[str]
) -> None:
    env = hosted.environment()
    env.from_elements(2, 1, 0).map(say).output()

    with pytest.raises(JobExecutionException):
        env.execute()
    assert capfd.readouterr() == ("3\n6\n", "I see 2\nI see 1\nI see 0\n")


@pytest.mark.parametrize("arriving", [0, 1, 2, 3, 100])
def test_lines_are_written_once_whatever_has_arrived_of_them(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arriving: int
) -> None:
    # A report for each batch of the source.
    monkeypatch.setattr("stream_engine.flink.worker.host._ELEMENT_SIZE", 0)
    jobs = Jobs(FlinkExecutor(FakeCluster(arriving=arriving)), capfd)

    out, err = written_by(jobs, 5_000, capfd)

    assert out == [str(number) for number in range(1, 5_001)]
    assert err == ""


def test_lines_that_are_lost_are_told_of(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_engine.flink.worker.host._ELEMENT_SIZE", 0)
    jobs = Jobs(FlinkExecutor(FakeCluster()), capfd)

    out, err = written_by(jobs, 20_000, capfd)

    assert out == [str(number) for number in range(20_001 - len(out), 20_001)]
    assert 3_000 < len(out) < 10_000
    lost = sum(len(f"{number}\n") for number in range(1, 20_001 - len(out)))
    assert err == f"{lost:,} bytes of what was written right before the failure are lost.\n"


def test_a_job_that_takes_checkpoints_writes_only_what_they_count(capfd: pytest.CaptureFixture[str]) -> None:
    jobs = Jobs(FlinkExecutor(FakeCluster()), capfd)

    assert written_by(jobs, 3, capfd, execution__checkpointing__interval="1 s") == ([], "")


@pytest.mark.parametrize("size", [1, 999, 40_000])
def test_the_lines_that_are_kept_are_the_end_of_all(size: int) -> None:
    last = LastLines()
    told = b""
    for number in range(100):
        lines = (b"%d" % number).zfill(size) + b"\n"
        last.add(Kind.CONSOLE if number % 2 else Kind.ERRORS, lines)
        told += lines
        before, kept = last.take()

        assert b"".join(text for _, text in kept) == told[before:]
        assert len(told) - before <= 32 * 1024
