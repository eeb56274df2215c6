"""The restart strategies that scripts choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.time import milliseconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "restart-strategy"


class RestartStrategyConfiguration:
    """A strategy for ``env.set_restart_strategy``; ``options`` has it as options of the configuration."""

    def __init__(self, kind: str, **options: Any) -> None:
        self.options: Mapping[str, Any] = {
            _PREFIX: kind,
            **{f"{_PREFIX}.{kind}.{name.replace('_', '-')}": value for name, value in options.items()},
        }

    def __repr__(self) -> str:
        return f"RestartStrategyConfiguration({dict(self.options)!r})"


class RestartStrategies:
    """Each makes one strategy. Times are a Time, a timedelta, or an int of ms."""

    @staticmethod
    def no_restart() -> RestartStrategyConfiguration:
        """A failure ends the job."""
        return RestartStrategyConfiguration("none")

    @staticmethod
    def fall_back_restart() -> RestartStrategyConfiguration:
        """The default, as in Flink: a growing delay for a job that takes checkpoints, otherwise no restart."""
        return RestartStrategyConfiguration("auto")

    @staticmethod
    def fixed_delay_restart(restart_attempts: int, delay_between_attempts: Any) -> RestartStrategyConfiguration:
        """A fixed number of restarts, each after the same time."""
        delay = milliseconds_of(delay_between_attempts)
        return RestartStrategyConfiguration("fixed-delay", attempts=_count(restart_attempts), delay=delay)

    @staticmethod
    def failure_rate_restart(
        failure_rate: int, failure_interval: Any, delay_interval: Any
    ) -> RestartStrategyConfiguration:
        """Restarts as long as there are no more than a number of failures within an interval."""
        return RestartStrategyConfiguration(
            "failure-rate",
            max_failures_per_interval=_count(failure_rate),
            failure_rate_interval=milliseconds_of(failure_interval),
            delay=milliseconds_of(delay_interval),
        )

    @staticmethod
    def exponential_delay_restart(
        initial_backoff: Any, max_backoff: Any, backoff_multiplier: float, reset_backoff_threshold: Any, jitter: float
    ) -> RestartStrategyConfiguration:
        """Restarts without end, each after ``backoff_multiplier`` times as long as the one before."""
        return RestartStrategyConfiguration(
            "exponential-delay",
            initial_backoff=milliseconds_of(initial_backoff),
            max_backoff=milliseconds_of(max_backoff),
            backoff_multiplier=backoff_multiplier,
            reset_backoff_threshold=milliseconds_of(reset_backoff_threshold),
            jitter_factor=jitter,
        )

    noRestart = no_restart
    fallBackRestart = fall_back_restart
    fixedDelayRestart = fixed_delay_restart
    failureRateRestart = failure_rate_restart
    exponentialDelayRestart = exponential_delay_restart


def _count(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        refuse(f"A number of restarts or failures is a whole number from 0, not {number!r}.")
    return number
