"""Checkpoints that fail, and what happens to the job and to the transactions that it was about to commit."""

from __future__ import annotations

import pickle
import resource
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE
from recoverable import lines_of

from stream_engine.api.files import WriteMode
from stream_engine.checkpoints.directory import Place
from stream_engine.job import JobExecutionException
from stream_engine.local.worker.checkpoints.writer import SnapshotWriter
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checkpointed import Job


class Slow:
    """A map that one record keeps for much longer than a checkpoint may take, once."""

    def __init__(self, job: Job) -> None:
        self._marker = job.marker

    def map(self, number: int) -> int:
        if number == 50 and not self._marker.exists():
            self._marker.touch()
            time.sleep(3)
        return number


def test_a_checkpoint_that_takes_too_long_has_failed(job: Job) -> None:
    env = job.environment(execution__checkpointing__timeout=1000, restart_strategy__fixed_delay__attempts=100)
    env.generate_sequence(1, 400).map(Slow(job)).write_as_text(str(job.output), WriteMode.OVERWRITE)
    told = job.run(env)
    assert told
    for line in told:
        assert line.startswith("Restart ")
        assert line.endswith("has failed. It was not complete after 1 s (missing: worker 1).")
    assert lines_of(job.output) == [str(number) for number in range(1, 401)]


def test_that_checkpoints_take_too_long_can_be_tolerated(job: Job) -> None:
    env = job.environment(
        execution__checkpointing__timeout=1000, execution__checkpointing__tolerable_failed_checkpoints=100
    )
    env.generate_sequence(1, 400).map(Slow(job)).write_as_text(str(job.output), WriteMode.OVERWRITE)
    told = job.run(env)
    assert told
    for line in told:
        assert line.endswith("failed, the job continues: It was not complete after 1 s (missing: worker 1).")
    assert lines_of(job.output) == [str(number) for number in range(1, 401)]


class Committing:
    """A sink that notes what it commits; on a disk that is too small for its state."""

    def __init__(self, committed: Path) -> None:
        self._committed = committed

    def invoke(self, value: int) -> None:
        pass

    def begin(self) -> bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        return bytes(10_000)

    def pre_commit(self, transaction: bytes) -> None:
        pass

    def commit(self, transaction: bytes) -> None:
        self._committed.touch()

    def abort(self, transaction: bytes) -> None:
        pass


def test_nothing_is_committed_at_the_end_without_a_checkpoint_of_it(job: Job) -> None:
    env = job.environment(
        execution__checkpointing__interval="1 h",
        execution__checkpointing__tolerable_failed_checkpoints=100,
        restart_strategy="none",
    )
    env.from_elements(1, 2, 3).add_sink(Committing(job.output))
    with pytest.raises(JobExecutionException, match=r"Checkpoint 1 has failed\. .*worker-1: File too large\."):
        env.execute()
    assert not job.output.exists()


class Control:
    """Takes what a worker says to the coordinator."""

    def __init__(self) -> None:
        self.frames: SimpleQueue[tuple[int, int, bytes]] = SimpleQueue()

    def send(self, kind: int, exchange: int = 0, payload: bytes = b"") -> None:
        self.frames.put((kind, exchange, payload))


def test_whatever_prevents_a_checkpoint_is_told_and_the_next_one_is_tried(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise RuntimeError("no table")

    control = Control()
    writer = SnapshotWriter(0, control)  # pyright: ignore[reportArgumentType]
    for number in (1, 2):
        place = Place(str(tmp_path), (str(number),), "state.checkpoints.dir")
        with place.open(make=True):
            writer.write(number, place, {"sum": [broken()]})
        kind, _, payload = control.frames.get(timeout=PATIENCE)
        assert (kind, pickle.loads(payload)) == (Kind.DECLINED, (number, "RuntimeError: no table"))
