"""Plans made at random give on Flink what they mean, with crashes and restores as well."""

from __future__ import annotations

from typing import Any

import pytest
from checked_plans import check_plan
from fake_flink import FakeCluster
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from launched import Jobs
from random_plans import sources, steps

from stream_engine.flink.executor import FlinkExecutor
from stream_engine.job import ClusterUnusable

# They replace those of the profile.
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


@pytest.mark.timeout(900)
@settings(suppress_health_check=CHECKS)
@given(
    made=st.lists(sources, min_size=1, max_size=2),
    wanted=steps.filter(lambda steps: not any("loop" in way for way, *_ in steps)),
    outputs=st.lists(st.integers(0, 9), max_size=3),
    parallelism=st.sampled_from([1, 2, 2, 3]),
    seed=st.integers(0, 99),
    crashes=st.sampled_from([0, 1, 3]),
    many=st.sampled_from([1, 5, 100_000]),
)
def test_a_plan_gives_on_flink_what_it_means(
    capfd: pytest.CaptureFixture[str], seed: int, crashes: int, many: int, **drawn: Any
) -> None:
    """Functions are inlined after ``many`` records."""
    # Only a source that says where it is goes on from there.
    pushed = any(kind.startswith("pushed") for kind, _ in drawn["made"])
    crashes = 0 if pushed else crashes
    jobs = Jobs(FlinkExecutor(FakeCluster(seed, crashes)), capfd)
    options = {"execution__checkpointing__interval": "1 s"} if crashes else {}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("stream_engine.task.subtask._MANY", many)
            check_plan(jobs, **drawn, **options)  # pyright: ignore[reportArgumentType] - as drawn
    except ClusterUnusable as error:
        assume("iterations" not in str(error))
        raise
