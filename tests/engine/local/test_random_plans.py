"""Plans made at random give what a plain interpreter of them gives, whatever the parallelism of their operators."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from checked_plans import check_job, check_plan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Oracle
from random_plans import sources, steps
from record_functions import ORDERLESS, Hasty, Timed, compose, key_of, to_tuple, total

from stream_engine.api.time import TimeCharacteristic

if TYPE_CHECKING:
    from collections.abc import Callable

    from launched import Jobs


# They replace those of the profile.
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

backends = st.sampled_from(["hashmap", "rocksdb"] if find_spec("rocksdict") else ["hashmap"])
# What the long tests run: one half just as it is, the other with its state on disk, while it fails again and again.
PLANS = int(os.environ.get("PLANS", "3000"))
# So that several processes can share them.
PARTS = 6


def plans(examples: int) -> Callable[[Any], Any]:
    drawn = given(
        made=st.lists(sources, min_size=1, max_size=2),
        wanted=steps,
        outputs=st.lists(st.integers(0, 9), max_size=3),
        parallelism=st.sampled_from([1, 1, 1, 1, 2, 2, 2, 3, 4]),
        execution__buffer_timeout=st.sampled_from(["100 ms", "0 ms"]),
        state__backend=backends,
        execution__checkpointing__incremental=st.booleans(),
        execution__checkpointing__interval=st.sampled_from(["0 ms", "0 ms", "2 ms"]),
        execution__checkpointing__mode=st.sampled_from(["exactly_once", "at_least_once"]),
    )
    limits = settings(max_examples=examples, suppress_health_check=CHECKS)
    return lambda test: limits(drawn(test))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
@plans(20)
def test_a_plan_gives_what_it_means(jobs: Jobs, part: int, **drawn: Any) -> None:
    check_plan(jobs, **drawn)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
@plans(PLANS // 2 // PARTS)
def test_many_more_plans_give_what_they_mean(jobs: Jobs, part: int, **drawn: Any) -> None:
    check_plan(jobs, **drawn)


times = st.integers(0, 30)
records = st.tuples(st.integers(0, 3), times)
timed = st.lists(st.one_of(records, records, times), max_size=40)


@pytest.mark.timeout(900)
@settings(suppress_health_check=CHECKS)
@given(
    items=timed,
    lag=st.one_of(st.none(), st.integers(0, 10)),
    windows=st.sampled_from([(10, 10), (1, 1), (10, 5), (15, 10), (7, 3), (5, 12)]),
    lateness=st.sampled_from([0, 0, 1, 9, 10, 30, 1000]),
    side=st.booleans(),
    at_end=st.sampled_from(["fire", "drop"]),
    backend=backends,
    parallelism=st.sampled_from([1, 2, 2, 3]),
)
def test_records_are_late_by_the_watermarks_before_them(
    jobs: Jobs,
    items: list[Any],
    lag: int | None,
    windows: tuple[int, int],
    lateness: int,
    side: bool,
    at_end: str,
    backend: str,
    parallelism: int,
) -> None:
    """From one instance of a source, which gives watermarks itself, or of an assigner, ``lag`` ms behind a record."""
    env = jobs.environment(parallelism, pipeline__end_of_input=at_end, state__backend=backend)
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    if lag is None:
        stream = env.add_source(Timed(items))
    else:
        records = env.from_collection([item for item in items if not isinstance(item, int)])
        stream = records.assign_timestamps_and_watermarks(Hasty(lag)).set_parallelism(1)
    windowed = stream.key_by(key_of).time_window(*windows).allowed_lateness(lateness)
    if side:
        windowed = windowed.side_output_late_data("late")
    result = windowed.reduce(compose) if windows[0] == windows[1] else windowed.apply(total)
    result.map(to_tuple).output("0")
    if side:
        result.get_side_output("late").map(to_tuple).output("1")
    oracle = Oracle(env.graph, parallelism, ORDERLESS)
    oracle.extend()
    check_job(jobs, env, oracle)
