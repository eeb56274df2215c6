"""A plan means the same in one process as on workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from record_functions import add, add_in_place, is_wanted, key_of, names, ones, repeat, spoil, total

from stream_engine.api.time import Time, TimeCharacteristic

if TYPE_CHECKING:
    from collections.abc import Callable

    from launched import Jobs

    from stream_engine.api.environment import PythonStreamExecutionEnvironment

PAIRS = [[number % 5, number] for number in range(40)]


def one_tuples(record: Any) -> Any:
    return tuple(ones(record))


def union_of_branches(env: Any) -> Any:
    pairs = env.from_collection(PAIRS).map(spoil)
    numbers = pairs.split(names)
    return numbers.select("even").union(numbers.select("large", "odd").flat_map(repeat), pairs.filter(is_wanted))


def rolling_reduce(env: Any) -> Any:
    return env.from_collection(PAIRS).map(ones).key_by(key_of).reduce(add_in_place)


def sliding_count_windows(env: Any) -> Any:
    return env.generate_sequence(1, 50).map(one_tuples).key_by(key_of).count_window(4, 2).apply(total)


def spread_in_all_ways(env: Any) -> Any:
    numbers = env.generate_sequence(1, 20)
    return numbers.rebalance().map(str).broadcast().map(str).set_parallelism(2).shuffle().map(str)


def processing_time_windows(env: Any) -> Any:
    """One window, however long the test takes: a day, until the end of the input."""
    days = Time.days(1)
    return env.from_collection(PAIRS).map(one_tuples).key_by(key_of).time_window(days, days).reduce(add)


def event_time_windows(env: Any) -> Any:
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    timed = env.from_collection(PAIRS).assign_timestamps_and_watermarks(lambda pair: pair[1] * 10)
    return timed.map(one_tuples).key_by(key_of).time_window(Time.milliseconds(100)).reduce(add)


def loop(env: Any) -> Any:
    iteration = env.generate_sequence(1, 30).iterate()
    body = iteration.map(lambda value: value - 3)
    iteration.close_with(body.filter(lambda value: value > 0).rebalance())
    return body.filter(lambda value: value <= 0)


def generator(env: Any) -> Any:
    return env.from_collection(pair for pair in PAIRS).map(one_tuples).key_by(key_of).reduce(add)


class Count:
    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, ctx: Any) -> None:
        record = [0, 0]
        for number in range(self.size):
            record[1] = number
            ctx.collect(record)


def python_sources(env: Any) -> Any:
    return env.add_source(Count(10)).union(env.add_source(Count(5)).map(spoil))


@pytest.mark.parametrize("parallelism", [1, 2, 3])
@pytest.mark.parametrize(
    "plan",
    [
        union_of_branches,
        rolling_reduce,
        sliding_count_windows,
        spread_in_all_ways,
        processing_time_windows,
        event_time_windows,
        loop,
        generator,
        python_sources,
    ],
)
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
