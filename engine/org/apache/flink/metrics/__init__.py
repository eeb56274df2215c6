from __future__ import annotations

from stream_engine.metrics import Counter, Gauge, Histogram, Meter, MetricGroup
from stream_engine.metrics import Counter as SimpleCounter

__all__ = ["Counter", "Gauge", "Histogram", "Meter", "MetricGroup", "SimpleCounter"]
