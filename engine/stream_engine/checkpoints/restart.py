"""Decides whether and when a job that has failed is restarted. Times are in ms, and come from the caller."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from stream_engine.configuration.options import CHECKPOINT_INTERVAL, RESTART_STRATEGY

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration


class RestartStrategy(Protocol):
    """Counts the failures of one job."""

    def on_failure(self, now: float) -> float | None:
        """How long to wait before the restart; None: there is no restart."""
        ...


class NoRestart:
    def on_failure(self, now: float) -> None:
        return None


class FixedDelay:
    """A fixed number of restarts, each after the same time."""

    def __init__(self, attempts: int, delay: int) -> None:
        self._left = attempts
        self._delay = delay

    def on_failure(self, now: float) -> float | None:
        self._left -= 1
        return self._delay if self._left >= 0 else None


class ExponentialDelay:
    """Restarts without end, each after ``multiplier`` times as long as the one before, but at most ``longest``.

    After ``reset`` without a failure the next restart is after ``initial`` again. Each time is made longer or shorter
    at random, by up to ``jitter`` times itself; ``uniform(a, b)`` returns a number between its arguments.
    """

    def __init__(
        self,
        initial: int,
        longest: int,
        multiplier: float,
        reset: int,
        jitter: float,
        uniform: Callable[[float, float], float],
    ) -> None:
        self._initial = initial
        self._longest = longest
        self._multiplier = multiplier
        self._reset = reset
        self._jitter = jitter
        self._uniform = uniform
        self._next: float = initial
        self._restarted_at: float | None = None

    def on_failure(self, now: float) -> float:
        if self._restarted_at is not None and now - self._restarted_at >= self._reset:
            self._next = self._initial
        delay = min(self._next, self._longest)
        self._next = min(delay * self._multiplier, self._longest)
        self._restarted_at = now + delay
        return min(delay + self._uniform(-self._jitter, self._jitter) * delay, self._longest)


class FailureRate:
    """Restarts, each after the same time, as long as no more than ``most`` failures come within ``interval``."""

    def __init__(self, most: int, interval: int, delay: int) -> None:
        self._failures: deque[float] = deque(maxlen=most + 1)
        self._interval = interval
        self._delay = delay

    def on_failure(self, now: float) -> float | None:
        self._failures.append(now)
        full = len(self._failures) == self._failures.maxlen
        return None if full and now - self._failures[0] <= self._interval else self._delay


def restart_strategy(configuration: Configuration) -> RestartStrategy:
    """The configured strategy. By default, as in Flink, a job that takes checkpoints has one with a growing delay."""
    kind = configuration.get(RESTART_STRATEGY)
    if kind == "auto":
        kind = "exponential-delay" if configuration.get(CHECKPOINT_INTERVAL) else "none"

    def option(name: str) -> int:
        return configuration.get(f"restart-strategy.{kind}.{name}")

    if kind == "fixed-delay":
        return FixedDelay(option("attempts"), option("delay"))
    if kind == "exponential-delay":
        from random import uniform

        return ExponentialDelay(
            option("initial-backoff"),
            option("max-backoff"),
            option("backoff-multiplier"),
            option("reset-backoff-threshold"),
            option("jitter-factor"),
            uniform,
        )
    if kind == "failure-rate":
        return FailureRate(option("max-failures-per-interval"), option("failure-rate-interval"), option("delay"))
    return NoRestart()
