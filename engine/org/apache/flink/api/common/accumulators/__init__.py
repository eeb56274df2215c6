from __future__ import annotations

from stream_engine.accumulators import Accumulator, AverageAccumulator, DoubleCounter, IntCounter, LongCounter

__all__ = ["Accumulator", "AverageAccumulator", "DoubleCounter", "IntCounter", "LongCounter"]
