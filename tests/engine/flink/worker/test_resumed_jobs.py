"""A job that resumes from a savepoint goes on where it was, and is refused where it cannot."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from fake_flink import FakeCluster
from launched import Jobs

from stream_engine.accumulators import IntCounter
from stream_engine.api.functions import RichMapFunction
from stream_engine.flink.client.savepoints import check_stages
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.plan import FlinkJob, Stage, parts_of, stage_uid
from stream_engine.job import InvalidProgramException, JobExecutionException


def counts(jobs: Jobs, **options: str) -> Any:
    """A plan whose first source ends long before the second."""
    env = jobs.environment(2, execution__checkpointing__interval="1 s", **options)
    pairs = env.from_elements("few").map(lambda word: (word, 1)).union(env.generate_sequence(1, 30_000).map(pair))
    pairs.key_by(lambda pair: pair[0]).reduce(lambda one, other: (one[0], one[1] + other[1])).filter(last).output()
    return env


def pair(number: int) -> tuple[str, int]:
    return f"key {number % 3}", 1


def last(pair: tuple[str, int]) -> bool:
    return pair == ("few", 1) or pair[1] == 10_000


@pytest.mark.parametrize("steps", [8, 10, 12])
def test_a_job_ends_that_resumes_from_a_savepoint_in_which_some_of_it_had(
    capfd: pytest.CaptureFixture[str], steps: int
) -> None:
    before = FakeCluster(3, stops_at=steps)
    with pytest.raises(JobExecutionException, match="of its subtasks did not"):
        counts(Jobs(FlinkExecutor(before), capfd)).execute()
    first = capfd.readouterr().out.splitlines()

    after = Jobs(FlinkExecutor(FakeCluster(4, savepoint=before.savepoint)), capfd)
    rest = after.raw_lines(counts(after))

    found = sorted(line.rpartition("> ")[2] for line in [*first, *rest])
    assert found == ["('few', 1)", "('key 0', 10000)", "('key 1', 10000)", "('key 2', 10000)"]


class Seen(RichMapFunction):
    """Counts the words that come."""

    def open(self, config: Any) -> None:
        self.seen = IntCounter()
        self.get_runtime_context().add_accumulator("seen", self.seen)

    def map(self, value: Any) -> Any:
        self.seen.add(1)
        return value


class Endless:
    """A source that ends when it is told to."""

    over = Event()

    def run(self, ctx: Any) -> None:
        self.running = True
        while self.running and not self.over.wait(0.001):
            ctx.collect("more")

    def cancel(self) -> None:
        self.running = False


def test_accumulators_of_what_had_finished_before_the_savepoint_are_in_the_result(
    capfd: pytest.CaptureFixture[str], short_turns: None
) -> None:
    def plan(jobs: Jobs) -> Any:
        env = jobs.environment(2, execution__checkpointing__interval="1 s")
        words = env.from_elements("one", "two", "three").map(Seen())
        words.union(env.add_source(Endless())).rebalance().map(len).output()
        return env

    savepoint: dict[Any, bytes] = {}
    for steps in (40, 2):
        # The second one has what had finished before the first.
        cluster = FakeCluster(stops_at=steps, savepoint=savepoint)
        with pytest.raises(JobExecutionException, match="of its subtasks did not"):
            plan(Jobs(FlinkExecutor(cluster), capfd)).execute()
        savepoint = cluster.savepoint
    Endless.over.set()
    last = Jobs(FlinkExecutor(FakeCluster(4, savepoint=savepoint)), capfd)
    _, result = last.raw_result(plan(last))

    assert result.get_accumulator_result("seen") == 3


def job(*stages: tuple[str, int]) -> FlinkJob:
    made = [Stage(0, stage_uid(uid, width), uid.upper(), width, False, (), {}, b"") for uid, width in stages]
    return FlinkJob("id", "name", None, tuple(made), 0, True)  # pyright: ignore[reportArgumentType]


KEPT = {stage_uid("source", 2): "Source", stage_uid("sums", 4): "Sums", "another's": "Something of Flink's"}


def test_a_job_with_the_same_stages_may_resume() -> None:
    check_stages(job(("source", 2), ("sums", 4)), "/s/1", KEPT, lenient=False)


def test_state_that_nobody_takes_may_be_left_behind_only_if_that_is_said() -> None:
    with pytest.raises(JobExecutionException, match=r"has state of 'Sums'.*--allow-non-restored-state"):
        check_stages(job(("source", 2)), "/s/1", KEPT, lenient=False)
    check_stages(job(("source", 2)), "/s/1", KEPT, lenient=True)


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize(
    ("present", "kept", "said"),
    [
        (job(("source", 2), ("sums", 3)), KEPT, "at a parallelism of 4, and 'SUMS' now has 3"),
        (job(("source", 2), ("sums", 4), ("new", 1)), KEPT, "has no state of 'NEW'"),
        (job(("source", 2)), {"other": "Other"}, "is no savepoint of a job of this kind"),
    ],
)
def test_a_job_with_other_stages_is_refused(present: FlinkJob, kept: dict[str, str], said: str, lenient: bool) -> None:
    with pytest.raises(JobExecutionException, match=said):
        check_stages(present, "/s/1", kept, lenient)


@pytest.mark.parametrize(("uid", "parts"), [("a at parallelism 3 at parallelism 12", ("a at parallelism 3", 12))])
def test_a_uid_of_a_stage_is_taken_apart(uid: str, parts: tuple[str, int]) -> None:
    assert parts_of(uid) == parts
    assert parts_of("source") is parts_of("at parallelism x") is None


def test_a_savepoint_without_a_place_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster()
    env = counts(Jobs(FlinkExecutor(cluster), capfd), execution__savepoint__on_stop="true")

    with pytest.raises(InvalidProgramException, match=r"set state\.savepoints\.dir as well"):
        env.execute()
    assert cluster.jobs == []
