"""When jobs are restarted, with a clock that the tests move."""

from __future__ import annotations

import pytest

from stream_engine.checkpoints.restart import (
    ExponentialDelay,
    FailureRate,
    FixedDelay,
    RestartStrategy,
    restart_strategy,
)
from stream_engine.configuration import Configuration


def delays(strategy: RestartStrategy, *times: float) -> list[float | None]:
    return [strategy.on_failure(time) for time in times]


def test_a_fixed_delay_allows_so_many_restarts() -> None:
    assert delays(FixedDelay(2, 500), 0, 10, 1_000_000, 2_000_000) == [500, 500, None, None]


def exponential(jitter: float = 0.0, push: float = 0.0) -> ExponentialDelay:
    """1 s, doubled up to 10 s, anew after a minute; ``push`` from -1 to 1 is where in the jitter it falls."""
    return ExponentialDelay(1000, 10_000, 2.0, 60_000, jitter, lambda low, high: (low + high + push * (high - low)) / 2)


def test_an_exponential_delay_grows_to_its_longest_and_never_gives_up() -> None:
    assert delays(exponential(), *range(0, 70_000, 10_000)) == [1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]


def test_an_exponential_delay_is_reset_by_time_without_failure_since_the_restart() -> None:
    strategy = exponential()
    assert delays(strategy, 0, 1000) == [1000, 2000]
    assert strategy.on_failure(3000 + 59_999) == 4000
    assert strategy.on_failure(3000 + 59_999 + 4000 + 60_000) == 1000


@pytest.mark.parametrize(("push", "expected"), [(-1, [900, 1800]), (0, [1000, 2000]), (1, [1100, 2200])])
def test_jitter_changes_a_delay_but_not_those_after_it(push: float, expected: list[float]) -> None:
    assert delays(exponential(0.1, push), 0, 5000) == pytest.approx(expected)


def test_jitter_makes_no_delay_longer_than_the_longest() -> None:
    assert delays(exponential(0.5, 1), *range(0, 50_000, 10_000))[-1] == 10_000


def test_a_failure_rate_allows_so_many_failures_within_its_interval() -> None:
    assert delays(FailureRate(2, 1000, 50), 0, 500, 1000) == [50, 50, None]
    assert delays(FailureRate(2, 1000, 50), 0, 500, 1001, 1501, 1600) == [50, 50, 50, 50, None]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [None]),
        (
            {"execution.checkpointing.interval": 100, "restart-strategy.exponential-delay.jitter-factor": 0},
            [1000, 1500],
        ),
        ({"execution.checkpointing.interval": 100, "restart-strategy": "none"}, [None]),
        ({"restart-strategy": "fixed-delay"}, [1000, None]),
        ({"restart-strategy": "fixed-delay", "restart-strategy.fixed-delay.attempts": 0}, [None]),
        ({"restart-strategy": "failure-rate", "restart-strategy.failure-rate.delay": "2 s"}, [2000, None]),
    ],
)
def test_the_configuration_chooses_and_checkpoints_alone_make_jobs_restart(
    options: dict[str, object], expected: list[float | None]
) -> None:
    assert delays(restart_strategy(Configuration(options)), *range(len(expected))) == expected
