"""What checkpoints hold: after a failure the job resumes as if there had been none."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from checkpointed import Unhurried, first, newest
from recoverable import lines_of

from stream_engine.accumulators import IntCounter
from stream_engine.api.files import WriteMode
from stream_engine.api.functions import RichMapFunction
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from checkpointed import Job

OVERWRITE = WriteMode.OVERWRITE


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_failed_job_resumes_from_its_newest_checkpoint_and_says_so_in_a_line(job: Job, parallelism: int) -> None:
    env = job.environment(parallelism)
    env.generate_sequence(1, 200).map(job.once()).name("once").write_as_text(str(job.output), OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint "), line
    assert "ValueError: once in operator 'once' (subtask " in line
    assert Counter(lines_of(job.output)) == Counter(map(str, range(1, 201)))


def test_without_a_checkpoint_it_begins_anew(job: Job) -> None:
    env = job.environment(execution__checkpointing__interval="1 h")
    failing = job.once(at=3000, newer_than=-1, pause=0)
    env.generate_sequence(1, 4000).map(failing).write_as_text(str(job.output), OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from the beginning: ValueError: once")
    assert lines_of(job.output) == [str(number) for number in range(1, 4001)]


def test_at_least_once_nothing_is_lost(job: Job) -> None:
    env = job.environment(2, execution__checkpointing__mode="at_least_once")
    numbers = env.generate_sequence(1, 400).map(job.once(at=100))
    numbers.key_by(lambda number: number % 5).map(str).write_as_text(str(job.output), OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    assert set(lines_of(job.output)) == set(map(str, range(1, 401)))


class EndsSoon:
    """A source with state, which notes each of its runs."""

    def __init__(self, runs: str) -> None:
        self._runs = runs
        self._next = 0

    def run(self, ctx: Any) -> None:
        with open(self._runs, "a") as file:
            file.write("run\n")
        while self._next < 10:
            ctx.collect(-self._next)
            self._next += 1

    def cancel(self) -> None:
        """It ends by itself."""

    def snapshot_state(self) -> int:
        return self._next

    def restore_state(self, state: int) -> None:
        self._next = state


@pytest.mark.parametrize("parallelism", [1, 2])
def test_checkpoints_continue_when_sources_have_ended(job: Job, tmp_path: Path, parallelism: int) -> None:
    env = job.environment(parallelism)
    ended = env.add_source(EndsSoon(str(tmp_path / "runs"))).union(env.from_elements(-10, -11))
    going = env.generate_sequence(1, 300).map(job.once(at=100, newer_than=5))
    ended.map(abs).union(going).write_as_text(str(job.output), OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    assert Counter(map(int, lines_of(job.output))) == Counter([*range(12), *range(1, 301)])
    assert (tmp_path / "runs").read_text() == "run\n", "what has ended is not run again"


class Summing(RichMapFunction):
    """Adds up in itself, and counts in an accumulator."""

    sum = 0

    def open(self, config: Any) -> None:
        self._count = IntCounter()
        self.get_runtime_context().add_accumulator("mapped", self._count)

    def map(self, value: int) -> int:
        self._count.add(1)
        self.sum += value
        return self.sum

    def snapshot_state(self) -> int:
        return self.sum

    def restore_state(self, state: int) -> None:
        self.sum = state


def test_functions_resume_with_their_state_and_accumulators_with_their_counts(job: Job) -> None:
    env = job.environment()
    env.generate_sequence(1, 200).map(job.once()).map(Summing()).write_as_text(str(job.output), OVERWRITE)
    _, result = job.result(env)
    assert lines_of(job.output) == [str(number * (number + 1) // 2) for number in range(1, 201)]
    assert result.get_accumulator_result("mapped") == 200


# --- sinks in two phases ---------------------------------------------------------------------------------------------


class Files:
    """A sink each of whose transactions is a file, which is made visible by its name."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)

    def begin(self) -> str:
        transaction = os.path.join(self._directory, f"open-{os.getpid()}-{time.monotonic_ns()}")
        self._lines: list[str] = []
        return transaction

    def invoke(self, value: Any) -> None:
        self._lines.append(f"{value}\n")

    def pre_commit(self, transaction: str) -> None:
        Path(transaction).write_text("".join(self._lines))

    def commit(self, transaction: str) -> None:
        if os.path.exists(transaction):
            os.rename(transaction, transaction.replace("/open-", "/done-"))

    def abort(self, transaction: str) -> None:
        Path(transaction).unlink(missing_ok=True)


def committed(directory: Path) -> list[int]:
    return [int(line) for file in directory.glob("done-*") for line in file.read_text().splitlines()]


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("act", [None, lambda: os.kill(os.getpid(), signal.SIGKILL)], ids=["raises", "is killed"])
def test_a_sink_in_two_phases_writes_exactly_once(job: Job, parallelism: int, act: Any) -> None:
    job.output.mkdir()
    env = job.environment(parallelism)
    numbers = env.generate_sequence(1, 300).map(job.once(at=100, act=act, newer_than=3))
    numbers.key_by(lambda number: number % 3).map(int).add_sink(Files(job.output))
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    assert sorted(committed(job.output)) == list(range(1, 301))


def test_only_what_complete_checkpoints_count_is_committed(job: Job) -> None:
    """Of one that a subtask keeps from coming to its end, nothing is."""
    job.output.mkdir()

    def stall(number: int) -> int:
        if number < 50:
            time.sleep(0.001)
            return number
        # The commit, too, needs this function to return.
        unhurried.pause()
        if committed(job_output):
            raise ValueError("stalled")
        return number

    job_output, unhurried = job.output, Unhurried()
    env = job.environment(restart_strategy="none")
    env.generate_sequence(1, 300).map(stall).add_sink(Files(job.output))
    with pytest.raises(JobExecutionException, match="ValueError: stalled"):
        env.execute()
    numbers = sorted(committed(job.output))
    assert numbers == list(range(1, len(numbers) + 1))
    assert 0 < len(numbers) < 300


def test_nothing_is_committed_before_a_checkpoint_or_the_end(job: Job) -> None:
    job.output.mkdir()
    env = job.environment(execution__checkpointing__interval="1 h", restart_strategy="none")
    env.generate_sequence(1, 100).map(job.once(newer_than=-1)).add_sink(Files(job.output))
    with pytest.raises(JobExecutionException, match="ValueError: once"):
        env.execute()
    assert list(job.output.iterdir()) == []
    env = job.environment(execution__checkpointing__interval="1 h")
    env.generate_sequence(1, 100).add_sink(Files(job.output))
    env.execute()
    assert sorted(committed(job.output)) == list(range(1, 101))


# --- what is kept of them --------------------------------------------------------------------------------------------


def test_as_many_checkpoints_are_kept_of_a_failed_job_as_are_to_be(job: Job) -> None:
    env = job.environment(state__checkpoints__num_retained=2, restart_strategy="none")
    env.generate_sequence(1, 100_000).map(job.once(newer_than=4)).output()
    with pytest.raises(JobExecutionException, match="ValueError: once"):
        env.execute()
    kept = sorted(int(path.parent.name[4:]) for path in job.checkpoints.glob("*/chk-*/_metadata"))
    last = newest(str(job.checkpoints))
    assert kept == [last - 1, last]
    assert {path.name for path in job.checkpoints.glob("*/*")} == {f"chk-{number}" for number in kept}
    (directory,) = job.checkpoints.iterdir()
    assert job.errors == [f"To resume from the newest checkpoint of the failed job: -s {directory}/chk-{last}"]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_in_the_system_s_directory(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    env = job.environment(state__checkpoints__dir="")
    numbers = env.generate_sequence(1, 200)
    (numbers.map(job.once(newer_than=-1)) if fails else numbers).rebalance().map(str).output()
    first_line, *others = job.run(env)
    assert first_line.startswith(f"The checkpoints of this job are kept in {tmp_path}/pyflink-stream-checkpoints-")
    assert len(others) == fails
    assert [path.name for path in tmp_path.iterdir()] == ["failed"] * fails


def test_a_job_that_cannot_begin_leaves_no_directory(job: Job) -> None:
    job.output.write_text("an earlier result\n")
    env = job.environment()
    env.from_elements(1).write_as_text(str(job.output))
    with pytest.raises(JobExecutionException, match="exists already"):
        env.execute()
    assert list(job.checkpoints.iterdir()) == []


def test_once_per_job_it_is_said_that_a_source_cannot_go_back(job: Job, tmp_path: Path) -> None:
    def forgetful(ctx: Any) -> None:
        for number in range(100):
            ctx.collect(number)

    env = job.environment(2)
    pushed = env.add_source(forgetful).name("forgetful")
    fed = env.from_collection(number for number in range(100, 200)).name("fed")
    replayed = env.generate_sequence(200, 300).map(lambda number: number)
    marker = str(tmp_path / "failed")

    def fail(number: int) -> int:
        if number == 250 and first(marker):
            raise ValueError("once")
        return number

    pushed.union(fed, replayed).map(fail).output()
    lines = job.run(env)
    assert [line.partition(" cannot return ")[0].partition(", made at ")[0] for line in lines[:2]] == [
        "The source 'forgetful'",
        "The source 'fed'",
    ]
    assert "define snapshot_state() and restore_state(state)" in lines[0]
    assert [line.partition(" from ")[0] for line in lines[2:]] == ["Restart 1"]


def test_state_that_is_pickled_by_a_child_is_restored_exactly(job: Job) -> None:
    """Of so many keys that a child is worth it, which change while it is at work."""
    keys, rounds = 80_000, 4
    env = job.environment(2, execution__checkpointing__interval=20)
    numbers = env.generate_sequence(0, keys * rounds - 1)
    counts = numbers.map(lambda number: (number % keys, 1)).key_by(lambda pair: pair[0])
    counted = counts.reduce(lambda a, b: (a[0], a[1] + b[1]))
    once = job.once(at=rounds - 1, newer_than=1, pause=0)
    some = counted.filter(lambda pair: pair[1] == rounds or pair[0] % 1000 == 0).map(lambda pair: once.map(pair[1]))
    some.filter(lambda count: count == rounds).write_as_text(str(job.output))
    (told,) = job.run(env)
    assert told.startswith("Restart 1 from checkpoint ")
    assert lines_of(job.output) == [str(rounds)] * keys
