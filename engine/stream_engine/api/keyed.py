"""A stream whose records with equal keys come together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.capture.snapshot import refuse, snapshot
from stream_engine.api.functions import ReduceFunction
from stream_engine.api.streams import DataStream
from stream_engine.api.time import TimeCharacteristic, milliseconds_of
from stream_engine.api.windowed import WindowedStream
from stream_engine.graph.partitioners import Hash
from stream_engine.graph.specs import CountWindows, Reduce, TimeWindows

if TYPE_CHECKING:
    from stream_engine.api.plan import Plan
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import WindowAssigner
    from stream_engine.graph.stream_graph import Upstream


class KeyedStream(DataStream):
    """Records with equal keys go to the same instance of the next operator, which keeps a state for each key."""

    def __init__(self, plan: Plan, upstreams: tuple[Upstream, ...], key: UserFunction) -> None:
        partitioner = Hash(key)
        super().__init__(plan, tuple(upstream._replace(partitioner=partitioner) for upstream in upstreams), key=key)

    def reduce(self, function: Any) -> DataStream:
        """The rolling reduce: each record gives its key a new value, ``reduce(value1, value2)``."""
        reducer = snapshot(function, "reduce", ReduceFunction, ("value1", "value2"))
        return self._transformed(Reduce(reducer), f"Reduce: {reducer.label}")

    def time_window(self, size: Any, slide: Any = None) -> WindowedStream:
        """Windows of ``size`` that begin every ``slide`` (default: one after the other), aligned to the epoch.

        Both are a Time, a timedelta, or an int of ms. They go by event time when the environment's characteristic,
        as it is now, says so; else by the workers' clock.
        """
        size_ms = milliseconds_of(size)
        slide_ms = size_ms if slide is None else milliseconds_of(slide)
        if size_ms < 1 or slide_ms < 1:
            refuse(f"Size and slide of a window are at least 1 ms, not {size_ms} and {slide_ms}.")
        by_event_time = self._plan.time_characteristic is TimeCharacteristic.EventTime
        return self._windowed(TimeWindows(size_ms, slide_ms, by_event_time))

    def count_window(self, size: int, slide: int | None = None) -> WindowedStream:
        """The last ``size`` records of a key, every ``slide`` records (default: every ``size``)."""
        if slide is None:
            slide = size
        for count in (size, slide):
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                refuse(f"Size and slide of a count window are whole numbers from 1, not {count!r}.")
        return self._windowed(CountWindows(size, slide))

    def _windowed(self, windows: WindowAssigner) -> WindowedStream:
        return WindowedStream(self, windows)
