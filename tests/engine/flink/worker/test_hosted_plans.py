"""A plan means the same in process functions of Flink's as in one process."""

from __future__ import annotations

import time
from math import inf
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from fake_flink import FakeCluster
from launched import PATIENCE, Jobs
from record_functions import add, key_of, spoil
from small_plans import PLANS as COMMON_PLANS
from small_plans import Count

from stream_engine.api.functions import RichMapFunction
from stream_engine.flink.client import refusals
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.worker import snapshots
from stream_engine.flink.worker.host import TURN
from stream_engine.job import ClusterUnusable, JobExecutionException
from stream_engine.operators.chain import Chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def second(record: Any) -> Any:
    return record[1]


def union_with_itself(env: Any) -> Any:
    numbers = env.generate_sequence(1, 20).map(str)
    return numbers.union(numbers)


def long_range(env: Any) -> Any:
    return env.from_collection(range(3, 5000)).map(lambda number: (number % 7, 1)).key_by(key_of).reduce(add)


def keys_of_all_kinds(env: Any) -> Any:
    keys = [None, ..., (None, 1), "a", b"a", 1, 1.0, True, (1, ("b", None)), frozenset({2, "c"}), 2.5]
    pairs = env.from_collection([(key, 1) for key in keys * 5]).rebalance()
    return pairs.key_by(lambda pair: pair[0]).reduce(lambda one, other: (one[0], one[1] + other[1])).map(second)


def python_sources(env: Any) -> Any:
    return env.add_source(Count(3000)).union(env.add_source(Count(5)).map(spoil))


PLANS = [
    *COMMON_PLANS,
    union_with_itself,
    long_range,
    keys_of_all_kinds,
    python_sources,
]


def lines_on(jobs: Jobs, plan: Callable[[Any], Any], parallelism: int, **options: object) -> list[str]:
    env = jobs.environment(parallelism, **options)
    plan(env).output()
    return jobs.lines(env)


@pytest.mark.parametrize("parallelism", [1, 2, 3])
@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_gives_on_flink_what_it_gives_in_one_process(
    inline: Jobs, hosted: Jobs, plan: Callable[[Any], Any], parallelism: int
) -> None:
    found = lines_on(hosted, plan, parallelism)

    assert found
    assert found == lines_on(inline, plan, parallelism)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan is not python_sources])
def test_a_job_that_crashes_gives_what_it_would_have_given(
    inline: Jobs, capfd: pytest.CaptureFixture[str], plan: Callable[[Any], Any], seed: int
) -> None:
    crashing = Jobs(FlinkExecutor(FakeCluster(seed, crashes=4)), capfd)

    found = lines_on(crashing, plan, 2, execution__checkpointing__interval="1 s")

    assert found == lines_on(inline, plan, 2)


class Replayed:
    """Counts to ``size``, and resumes where a checkpoint found it."""

    def __init__(self, size: int) -> None:
        self.size, self.next = size, 0

    def run(self, ctx: Any) -> None:
        while self.next < self.size:
            if self.next % 5_000 == 0:
                # Longer than it is let work at a time.
                time.sleep(2 * TURN)
            with ctx.get_checkpoint_lock():
                ctx.collect(self.next)
                self.next += 1

    def snapshot_state(self) -> Any:
        return self.next

    def restore_state(self, state: Any) -> None:
        self.next = state


@pytest.mark.parametrize("seed", range(3))
def test_a_source_with_state_resumes_where_the_checkpoint_found_it(
    capfd: pytest.CaptureFixture[str], seed: int
) -> None:
    crashing = Jobs(FlinkExecutor(FakeCluster(seed, crashes=6)), capfd)

    env = crashing.environment(2, execution__checkpointing__interval="1 s")
    env.add_source(Replayed(30_000)).map(str).output()

    assert crashing.lines(env) == sorted(map(str, range(30_000)))


def test_text_files_hold_every_line_once_after_a_crash(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "in").write_text("".join(f"{number}\n" for number in range(20_000)))
    crashing = Jobs(FlinkExecutor(FakeCluster(3, crashes=8)), capfd)

    env = crashing.environment(2, execution__checkpointing__interval="1 s")
    env.read_text_file(str(tmp_path / "in")).rebalance().map(str).write_as_text(str(tmp_path / "out"))
    crashing.lines(env)

    written = [line for name in ("1", "2") for line in (tmp_path / "out" / name).read_text().splitlines()]
    assert sorted(map(int, written)) == list(range(20_000))


def test_accumulators_of_all_subtasks_are_in_the_result(hosted: Jobs) -> None:
    from stream_engine.accumulators import IntCounter

    class Counting(RichMapFunction):
        def open(self, config: Any) -> None:
            self.seen = IntCounter()
            self.getRuntimeContext().addAccumulator("seen", self.seen)

        def map(self, value: Any) -> Any:
            self.seen.add(1)
            return value

    env = hosted.environment(3)
    env.generate_sequence(1, 100).map(Counting()).output()

    lines, result = hosted.raw_result(env)

    assert len(lines) == 100
    assert result.get_accumulator_result("seen") == 100


def test_an_error_of_a_function_is_reported_as_on_this_machine(hosted: Jobs, inline: Jobs) -> None:
    def told(jobs: Jobs) -> str:
        env = jobs.environment(2)
        env.from_elements(3, 2, 1, 0).rebalance().map(lambda number: 6 // number).output()
        with pytest.raises(JobExecutionException) as caught:
            jobs.lines(env)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        return str(caught.value)

    text = told(hosted)

    assert "with the record 0" in text
    assert text == told(inline)


@pytest.mark.parametrize("inlines", [True, False])
def test_functions_are_inlined_on_flink_as_well(
    hosted: Jobs, inline: Jobs, inlines: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_engine.task.subtask._MANY", 3)
    monkeypatch.setattr("stream_engine.task.subtask.INLINES_AFTER", inf)
    inlined: list[Chain] = []
    original = Chain.inline
    monkeypatch.setattr(Chain, "inline", lambda chain: (inlined.append(chain), original(chain)))

    def told(jobs: Jobs) -> str:
        env = jobs.environment(2, pipeline__inline_functions=inlines)
        env.generate_sequence(-20, 20).rebalance().map(lambda number: 6 // (number - 19)).output()
        with pytest.raises(JobExecutionException) as caught:
            jobs.lines(env)
        return str(caught.value)

    text = told(hosted)

    assert bool(inlined) == inlines
    assert text == told(inline)


def test_an_error_of_a_source_is_reported(hosted: Jobs) -> None:
    class Broken:
        def run(self, ctx: Any) -> None:
            ctx.collect(1)
            raise OSError("no more of it")

    env = hosted.environment()
    env.add_source(Broken()).output()

    with pytest.raises(JobExecutionException, match="no more of it"):
        hosted.lines(env)


def test_several_jobs_of_one_script_run_one_after_the_other(hosted: Jobs, cluster: FakeCluster) -> None:
    env = hosted.environment(2)
    env.from_elements(1).output()
    assert hosted.lines(env) == ["1"]
    env.from_elements(2).output()
    assert hosted.lines(env) == ["2"]
    assert len(cluster.jobs) == 2


def test_elements_of_a_collection_go_to_its_own_stage_only(hosted: Jobs, cluster: FakeCluster) -> None:
    env = hosted.environment(2)
    env.from_collection(["x" * 1000] * 10_000).map(len).output()
    hosted.lines(env)

    first, *others = (len(stage.deployment) for stage in cluster.jobs[0].stages)

    assert others
    assert first > 100_000 or first > 5 * max(others)
    assert max(others) < 20_000


def test_an_iteration_is_refused_with_its_line(hosted: Jobs, cluster: FakeCluster) -> None:
    env = hosted.environment()
    loop = env.generate_sequence(1, 3).iterate()
    loop.close_with(loop.map(lambda value: value - 1).filter(lambda value: value > 0))

    with pytest.raises(ClusterUnusable, match=r"test_hosted_plans.py:\d+.*no iterations since version 2"):
        env.execute()
    assert cluster.jobs == []


def test_an_endless_generator_is_refused_with_its_line(hosted: Jobs, cluster: FakeCluster) -> None:
    from itertools import count

    env = hosted.environment()
    env.from_collection(count()).output()

    with pytest.raises(ClusterUnusable, match=r"test_hosted_plans.py:\d+.*it has not ended"):
        env.execute()
    assert cluster.jobs == []


def test_a_generator_that_takes_long_is_named_while_it_is_read(hosted: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    said = Event()
    monkeypatch.setattr(refusals, "_SILENCE", 0.01)
    monkeypatch.setattr(refusals, "tell", lambda line: (told.append(line), said.set()))

    def slow() -> Iterator[int]:
        yield 1
        assert said.wait(PATIENCE)
        yield 2

    env = hosted.environment()
    env.from_collection(slow()).output()

    assert hosted.lines(env) == ["1", "2"]
    assert "is read to its end, before the job is sent" in told[0]


class Transactional:
    def begin(self) -> Any: ...

    def invoke(self, value: Any) -> None: ...

    def pre_commit(self, transaction: Any) -> None: ...

    def commit(self, transaction: Any) -> None: ...

    def abort(self, transaction: Any) -> None: ...


def test_a_transactional_sink_is_refused(hosted: Jobs, cluster: FakeCluster) -> None:
    env = hosted.environment()
    env.from_elements(1).add_sink(Transactional())

    with pytest.raises(ClusterUnusable, match="commits its transactions"):
        env.execute()
    assert cluster.jobs == []


def test_text_that_cannot_be_cut_back_takes_part_in_no_checkpoints(
    hosted: Jobs, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Store:
        truncates = False

    monkeypatch.setattr("stream_engine.connectors.filesystem.resolve", lambda path: (Store(), path))
    env = hosted.environment(execution__checkpointing__interval="1 s")
    env.from_elements(1).write_as_text("s3://bucket/words")

    with pytest.raises(ClusterUnusable, match=r"test_hosted_plans.py:\d+.*cannot be cut back"):
        env.execute()
    assert cluster.jobs == []


def test_state_that_is_too_large_for_a_checkpoint_fails_the_job_for_good(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "LARGEST", 50_000)
    jobs = Jobs(FlinkExecutor(FakeCluster(1, crashes=8)), capfd)
    env = jobs.environment(execution__checkpointing__interval="1 s")
    env.generate_sequence(1, 30_000).key_by(lambda number: number).reduce(max).output()

    with pytest.raises(JobExecutionException, match=r"the state of a subtask of .* takes .* MB") as caught:
        env.execute()
    assert caught.value.failure.final
