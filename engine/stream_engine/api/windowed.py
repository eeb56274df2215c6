"""A keyed stream cut into windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.api.capture.snapshot import refuse, snapshot
from stream_engine.api.functions import ReduceFunction, WindowFunction
from stream_engine.api.plan import PartOfPlan
from stream_engine.api.streams import DataStream
from stream_engine.api.time import milliseconds_of
from stream_engine.graph.specs import TimeWindows, WindowApply, WindowReduce
from stream_engine.graph.stream_graph import Upstream

if TYPE_CHECKING:
    from stream_engine.api.keyed import KeyedStream
    from stream_engine.graph.specs import WindowAssigner


class WindowedStream(PartOfPlan):
    """The windows of each key, waiting to be told what to do with their records."""

    def __init__(
        self, keyed: KeyedStream, windows: WindowAssigner, lateness: int = 0, late_output: str | None = None
    ) -> None:
        self._keyed = keyed
        self._windows = windows
        self._lateness = lateness
        self._late_output = late_output

    def allowed_lateness(self, lateness: Any) -> WindowedStream:
        """How long (ms, a Time or a timedelta) after its end a late record still makes a window fire again."""
        self._check_event_time("allowed_lateness")
        return WindowedStream(self._keyed, self._windows, milliseconds_of(lateness), self._late_output)

    def side_output_late_data(self, name: str) -> WindowedStream:
        """Keeps records that come too late for their windows; ``get_side_output(name)`` of the result has them."""
        self._check_event_time("side_output_late_data")
        if not isinstance(name, str) or not name:
            refuse(f"A side output has a str as its name, not {name!r}.")
        return WindowedStream(self._keyed, self._windows, self._lateness, name)

    def reduce(self, function: Any) -> WindowResult:
        """One record per key and window: all of its records combined by ``reduce(value1, value2)``."""
        reducer = snapshot(function, "reduce", ReduceFunction, ("value1", "value2"))
        operator = WindowReduce(self._windows, reducer, self._lateness, self._late_output)
        return self._result(operator, f"Window Reduce: {reducer.label}")

    def apply(self, function: Any) -> WindowResult:
        """What ``apply(key, window, values, collector)`` collects for each key and window."""
        body = snapshot(function, "apply", WindowFunction, ("key", "window", "values", "collector"))
        operator = WindowApply(self._windows, body, self._lateness, self._late_output)
        return self._result(operator, f"Window Apply: {body.label}")

    def __getattr__(self, name: str) -> NoReturn:
        from stream_engine.api.unknown import advice_for_windows

        advice = advice_for_windows(name, hasattr(DataStream, name)) if not name.startswith("_") else ""
        if advice:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}; {advice}", name=name)
        super().__getattr__(name)

    def _result(self, operator: WindowReduce | WindowApply, name: str) -> WindowResult:
        return WindowResult(self._keyed, operator, name)

    def _check_event_time(self, method: str) -> None:
        if not isinstance(self._windows, TimeWindows) or not self._windows.event_time:
            refuse(
                f"{method}() is for time windows by event time, where records can be late: call "
                "env.set_stream_time_characteristic(TimeCharacteristic.EventTime) before time_window()."
            )


class WindowResult(DataStream):
    """The stream of results of the windows."""

    def __init__(self, keyed: KeyedStream, operator: WindowReduce | WindowApply, name: str) -> None:
        node = keyed._added(operator, name)
        super().__init__(keyed._plan, (Upstream(node.id),), node)
        self._late_output = operator.late_output

    def get_side_output(self, name: str) -> DataStream:
        """The records that came too late, after ``side_output_late_data(name)``."""
        if name != self._late_output:
            refuse(f"These windows have no side output {name!r}: call side_output_late_data({name!r}) before.")
        return DataStream(self._plan, tuple(Upstream(upstream.node, selected=(name,)) for upstream in self._inputs()))
