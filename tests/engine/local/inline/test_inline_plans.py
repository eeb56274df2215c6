"""A plan means the same in one process as on workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from record_functions import spoil
from small_plans import PLANS, Count, sliding_count_windows, union_of_branches

if TYPE_CHECKING:
    from collections.abc import Callable

    from launched import Jobs

    from stream_engine.api.environment import PythonStreamExecutionEnvironment


def loop(env: Any) -> Any:
    iteration = env.generate_sequence(1, 30).iterate()
    body = iteration.map(lambda value: value - 3)
    iteration.close_with(body.filter(lambda value: value > 0).rebalance())
    return body.filter(lambda value: value <= 0)


def python_sources(env: Any) -> Any:
    return env.add_source(Count(10)).union(env.add_source(Count(5)).map(spoil))


@pytest.mark.parametrize("parallelism", [1, 2, 3])
@pytest.mark.parametrize("plan", [*PLANS, loop, python_sources])
def test_a_plan_gives_in_one_process_what_it_gives_on_workers(
    inline: Jobs, jobs: Jobs, plan: Callable[[Any], Any], parallelism: int
) -> None:
    def lines(host: Jobs) -> list[str]:
        env: PythonStreamExecutionEnvironment = host.environment(parallelism)
        plan(env).output()
        return host.lines(env)

    found = lines(inline)

    assert found
    assert found == lines(jobs)


def test_the_order_is_the_same_each_time(inline: Jobs) -> None:
    def lines() -> list[str]:
        env = inline.environment(3)
        union_of_branches(env).union(loop(env), sliding_count_windows(env)).output()
        return inline.raw_lines(env)

    assert lines() == lines()


def test_the_object_reuse_of_the_configuration_holds(inline: Jobs) -> None:
    def lines(reuse: bool) -> list[str]:
        env = inline.environment(1, pipeline__object_reuse=reuse)
        pairs = env.from_collection([[0, 1]])
        pairs.map(spoil).output()
        pairs.output()
        return inline.raw_lines(env)

    assert lines(reuse=True) == ["[1, 0]", "[]"]
    assert lines(reuse=False) == ["[1, 0]", "[0, 1]"]
