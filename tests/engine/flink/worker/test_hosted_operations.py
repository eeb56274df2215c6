"""Each operation of the guide gives on Flink what it gives in one process, whatever its records are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import pytest
import test_hosted_plans
from fake_flink import FakeCluster
from guide_plans import PLANS, printing_functions, word_count_of_the_guide
from launched import Jobs

from stream_engine.flink.executor import FlinkExecutor
from stream_engine.graph import specs

if TYPE_CHECKING:
    from guide_plans import Plan


def records(jobs: Jobs, plan: Plan, parallelism: int, **options: object) -> list[str]:
    """The lines of the job, with the names of their outputs, but without the numbers of subtasks; sorted."""
    env = jobs.environment(parallelism, **options)
    plan(env)
    return sorted(re.sub(r"^(?:\d+|(\w+)(?::\d+)?)> ", r"\1> ", line) for line in jobs.raw_lines(env))


@pytest.mark.parametrize("parallelism", [1, 2, 3])
@pytest.mark.parametrize("plan", PLANS)
def test_an_operation_gives_on_flink_what_it_gives_in_one_process(
    inline: Jobs, hosted: Jobs, plan: Plan, parallelism: int
) -> None:
    found = records(hosted, plan, parallelism)

    assert found
    assert found == records(inline, plan, parallelism)


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan not in (word_count_of_the_guide, printing_functions)])
def test_an_operation_resumes_after_a_crash_with_what_it_had(
    inline: Jobs, capfd: pytest.CaptureFixture[str], plan: Plan
) -> None:
    crashing = Jobs(FlinkExecutor(FakeCluster(7, crashes=4)), capfd)

    found = records(crashing, plan, 2, execution__checkpointing__interval="1 s")

    assert found == records(inline, plan, 2)


# Tests of their own have jobs with these, here or on a real cluster. The last of them the engine makes itself.
ELSEWHERE = {
    specs.TextFileSource,
    specs.TextFileSink,
    specs.SocketTextSource,
    specs.SocketSink,
    specs.FunctionSink,
    specs.KafkaSource,
    specs.KafkaSink,
    specs.IterationHead,
    specs.PreAggregate,
}


def test_every_operation_is_in_a_plan_that_is_tried(hosted: Jobs) -> None:
    found: set[type] = set(ELSEWHERE)
    for plan in (*PLANS, *test_hosted_plans.PLANS):
        env = hosted.environment()
        ended = plan(env)
        if ended is not None:
            ended.output()
        found.update(type(node.operator) for node in env.graph.nodes)

    assert found == set(get_args(specs.Operator))
