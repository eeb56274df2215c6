"""The metrics of functions."""

from __future__ import annotations

from typing import Any

import pytest

from stream_engine import metrics as metrics_module
from stream_engine.metrics import Counter, Gauge, MetricGroup, Metrics, MetricValue


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def group(metrics: Metrics) -> MetricGroup:
    return MetricGroup(metrics, "Map: M")


def test_counters_and_gauges_have_the_value_of_the_moment(metrics: Metrics, group: MetricGroup) -> None:
    counter = group.counter("n")
    group.gauge("twice", lambda: counter.getCount() * 2)
    counter.inc()
    counter.inc(5)
    counter.dec()
    counter.dec(2)
    assert metrics.values() == (MetricValue("Map: M", "n", 3), MetricValue("Map: M", "twice", 6))
    assert counter.count == 3


def test_a_gauge_may_be_an_object_and_its_value_anything(metrics: Metrics, group: MetricGroup) -> None:
    class State(Gauge):
        def getValue(self) -> Any:
            return ("open", 1)

    group.gauge("state", State())
    assert metrics.values() == (MetricValue("Map: M", "state", "('open', 1)"),)


def test_a_gauge_that_raises_is_left_out_and_the_others_stay(metrics: Metrics, group: MetricGroup) -> None:
    group.gauge("wrong", lambda: 1 / 0)
    group.counter("n")
    assert [each.name for each in metrics.values()] == ["n"]


def test_a_histogram_has_quantiles_of_its_last_values(metrics: Metrics, group: MetricGroup) -> None:
    histogram = group.histogram("length")
    assert metrics.values() == (MetricValue("Map: M", "length_count", 0),)
    for value in [5000] * 100 + list(range(1024)):
        histogram.update(value)
    count, *quantiles = metrics.values()
    assert count == MetricValue("Map: M", "length_count", 1124)
    assert [(each.quantile, each.value) for each in quantiles[:2]] == [("0.5", 512), ("0.75", 768)]
    assert max(each.value for each in quantiles) <= 1023


def test_a_meter_is_the_rate_of_the_last_minute(group: MetricGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(metrics_module, "monotonic", lambda: now)
    meter = group.meter("rate")
    assert meter.getRate() == 0
    meter.markEvent(100)
    now += 10
    assert meter.getRate() == 10
    for _ in range(12):
        now += 10
        meter.getRate()
    assert (meter.rate, meter.count) == (0, 100)


def test_groups_prefix_names_and_the_first_of_a_name_counts(metrics: Metrics, group: MetricGroup) -> None:
    group.addGroup("words").add_group("lang", "en").counter("n").inc()
    group.counter("same").inc(7)
    group.counter("same").inc(9)
    assert [(each.name, each.value) for each in metrics.values()] == [("words_lang_en_n", 1), ("same", 7)]


def test_what_is_no_metric_is_refused(group: MetricGroup) -> None:
    with pytest.raises(TypeError, match="a str as its name"):
        group.counter("", Counter())
    with pytest.raises(TypeError, match="'g' and 5"):
        group.gauge("g", 5)
