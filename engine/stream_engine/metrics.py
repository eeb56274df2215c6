"""Metrics of user functions: counters, gauges, meters and histograms.

A function gets them from ``getRuntimeContext().getMetricGroup()``. Another thread reads them while it runs.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.beans import with_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The quantiles that Flink shows, and of how many of the last values.
_QUANTILES = (0.5, 0.75, 0.95, 0.98, 0.99, 0.999)
_VALUES = 1024
# The seconds over which a rate is a mean, and the fewest seconds between two of its samples.
_WINDOW, _STEP = 60.0, 1.0


class MetricValue(NamedTuple):
    """The value of a metric of an operator in one subtask. ``quantile`` is empty except for histograms."""

    operator: str
    name: str
    value: Any
    quantile: str = ""


@with_properties
class Counter:
    """A number that is counted up and down."""

    def __init__(self) -> None:
        self._count = 0

    def inc(self, n: int = 1) -> None:
        self._count += n

    def dec(self, n: int = 1) -> None:
        self._count -= n

    def get_count(self) -> int:
        return self._count

    getCount = get_count


class Gauge:
    """``getValue()`` returns the current value; another thread calls it. Any callable can replace it."""


@with_properties
class Meter:
    """How often something happens per second: the mean of the last minute."""

    def __init__(self) -> None:
        self._count = 0
        self._samples = deque([(monotonic(), 0)])

    def mark_event(self, n: int = 1) -> None:
        self._count += n

    def get_count(self) -> int:
        return self._count

    def get_rate(self) -> float:
        now = monotonic()
        while len(self._samples) > 1 and self._samples[1][0] <= now - _WINDOW:
            self._samples.popleft()
        began, count = self._samples[0]
        rate = (self._count - count) / (now - began) if now > began else 0.0
        if now - self._samples[-1][0] >= _STEP:
            self._samples.append((now, self._count))
        return rate

    markEvent = mark_event
    getCount = get_count
    getRate = get_rate


@with_properties
class Histogram:
    """How values are distributed: the last 1024 of them."""

    def __init__(self) -> None:
        self._count = 0
        self._values: deque[float] = deque(maxlen=_VALUES)

    def update(self, value: float) -> None:
        self._count += 1
        self._values.append(value)

    def get_count(self) -> int:
        return self._count

    def quantiles(self) -> dict[float, float]:
        """The quantiles of the values by name; empty if there are no values."""
        ordered = sorted(self._values.copy())
        return {part: ordered[min(int(part * len(ordered)), len(ordered) - 1)] for part in _QUANTILES if ordered}

    getCount = get_count


class Metrics:
    """The metrics of all functions of one subtask."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Any] = {}

    def add(self, operator: str, name: str, metric: Any) -> None:
        """Adds a metric. Of two with the same name the first counts, as in Flink."""
        self._all.setdefault((operator, name), metric)

    def values(self) -> tuple[MetricValue, ...]:
        """The current values, without those of gauges that raise an exception."""
        if not self._all:
            return ()
        return tuple(value for names, metric in list(self._all.items()) for value in _read(*names, metric))


@with_properties
class MetricGroup:
    """The metrics of one function; groups within it prefix their names."""

    def __init__(self, metrics: Metrics, operator: str, prefix: str = "") -> None:
        self._metrics = metrics
        self._operator = operator
        self._prefix = prefix

    def counter(self, name: str, counter: Any = None) -> Any:
        """Adds a new Counter, or the given one, under this name; returns it."""
        return self._added(name, Counter() if counter is None else counter, "inc")

    def gauge(self, name: str, gauge: Any) -> Any:
        """``gauge`` is a Gauge or a callable without parameters."""
        return self._added(name, gauge, "getValue" if hasattr(gauge, "getValue") else "__call__")

    def meter(self, name: str, meter: Any = None) -> Any:
        """Adds a new Meter, or the given one, under this name; returns it."""
        return self._added(name, Meter() if meter is None else meter, "getRate")

    def histogram(self, name: str, histogram: Any = None) -> Any:
        """Adds a new Histogram, or the given one, under this name; returns it."""
        return self._added(name, Histogram() if histogram is None else histogram, "update")

    def add_group(self, name: str, value: str | None = None) -> MetricGroup:
        """A group whose metrics' names begin with ``name``, and ``value`` if there is one."""
        names = [name] if value is None else [name, value]
        return MetricGroup(self._metrics, self._operator, "".join([self._prefix, *(f"{each}_" for each in names)]))

    addGroup = add_group

    def _added(self, name: str, metric: Any, needed: str) -> Any:
        if not isinstance(name, str) or not name or not hasattr(metric, needed):
            raise TypeError(f"a metric has a str as its name and a {needed}(), unlike {name!r} and {metric!r}")
        self._metrics.add(self._operator, f"{self._prefix}{name}", metric)
        return metric


def _read(operator: str, name: str, metric: Any) -> Iterator[MetricValue]:
    try:
        if hasattr(metric, "quantiles"):
            yield MetricValue(operator, f"{name}_count", metric.getCount())
            for part, value in metric.quantiles().items():
                yield MetricValue(operator, name, value, str(part))
            return
        read: Callable[[], Any] = next(
            getattr(metric, each) for each in ("getRate", "getCount", "getValue", "__call__") if hasattr(metric, each)
        )
        value = read()
        yield MetricValue(operator, name, value if isinstance(value, int | float) else str(value))
    except Exception:
        pass
