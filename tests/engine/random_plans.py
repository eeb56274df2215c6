"""Builds plans from what Hypothesis has drawn, along with what they mean.

Where the results of a step would depend on an order that its records do not have, it is given functions that do not
mind, or records that are all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import record_functions as functions
from hypothesis import strategies as st
from oracle import is_settled
from oracle_streams import Element, grouped, is_ordered, is_steady

from stream_engine.api.time import TimeCharacteristic

if TYPE_CHECKING:
    from collections.abc import Callable

    from oracle import Oracle

    from stream_engine.api.environment import PythonStreamExecutionEnvironment
    from stream_engine.api.streams import DataStream

# What multiplies records is left out of plans that have this many.
_MANY = 120
# In ms: windows of processing time that no test lives to see the end of, nor begins before one and ends after it.
_AGE = 36_500 * 86_400_000
_EVENT_WINDOWS = ((10, 10), (25, 25), (10, 5), (15, 10), (7, 3), (5, 12))

pair = st.tuples(st.integers(0, 8), st.integers(0, 30))
pairs = st.one_of(st.lists(pair, max_size=20), st.lists(pair, min_size=15, max_size=30))
sources = st.one_of(
    st.tuples(st.just("lists"), pairs),
    st.tuples(st.just("lists"), pairs.map(lambda drawn: sorted(drawn, key=lambda pair: pair[1]))),
    st.tuples(st.just("sequence"), st.integers(1, 40)),
    st.tuples(st.just("fed"), st.integers(0, 40)),
    st.tuples(st.just("pushed"), pairs),
    st.tuples(st.just("pushed by all"), pairs.map(lambda drawn: drawn[:12])),
)
# A wide job takes as many processes, so most are narrow.
widths = st.sampled_from([None] * 9 + [1, 1, 2, 2, 3, 4])


def _one(call: Callable[[DataStream], DataStream]) -> Callable[[Planner, DataStream, DataStream, int], DataStream]:
    return lambda planner, stream, other, knob: call(stream)


class Planner:
    """Adds steps to a plan. ``streams`` are those made so far, to build on."""

    def __init__(self, env: PythonStreamExecutionEnvironment, oracle: Oracle) -> None:
        self._env = env
        self.oracle = oracle
        self.streams: list[DataStream] = []

    # --- what a test calls -------------------------------------------------------------------------------------------

    def source(self, kind: str, content: Any) -> None:
        env = self._env
        if kind == "lists":
            stream = env.from_collection([list(pair) for pair in content])
        elif kind == "sequence":
            stream = env.generate_sequence(1, content)
        elif kind == "fed":
            stream = env.from_collection(range(content))
        else:
            stream = env.add_source((functions.Pushed if kind == "pushed" else functions.PushedByAll)(content))
        self.streams.append(self._added(stream))

    def step(self, way: str, position: int, other: int, knob: int, width: int | None) -> None:
        """``position`` and ``other`` choose among the streams so far, from the last; ``knob`` what else there is."""
        stream, second = (self.streams[-1 - each % len(self.streams)] for each in (position, other))
        if way in MULTIPLYING and len(self._elements(stream)) + len(self._elements(second)) > _MANY:
            return
        made = WAYS[way](self, stream, second, knob)
        if width is not None and made._node is not None and way not in ROUTES:
            made.set_parallelism(width)
        self.streams.append(self._added(made))

    def finish(self, outputs: list[int]) -> None:
        """Writes the last stream, and those at the positions ``outputs``, each with its position as identifier."""
        for position in {*(each % len(self.streams) for each in outputs), len(self.streams) - 1}:
            self.streams[position].map(functions.last).output(str(position))
        self.oracle.extend()

    # --- kinds of steps ----------------------------------------------------------------------------------------------

    def forward(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        """Between operators of the same parallelism, where there is one."""
        widths = {self.oracle.widths[upstream.node] for upstream in stream._inputs()}
        if len(widths) > 1:
            return stream.map(functions.increase)
        return stream.forward().map(functions.increase).set_parallelism(widths.pop())

    def keyed(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        """Operators on one record that know its key."""
        return stream.key_by(functions.key_of).map(functions.increase)

    def stateful(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        return self._keyed(stream, knob).flat_map(functions.Numbered())

    def rolling(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        return self._keyed(stream, knob).reduce((functions.compose, functions.compose_in_place)[knob % 2])

    def counted(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        windows = self._keyed(stream, knob).count_window(1 + knob % 4, 1 + knob // 4 % 4)
        if knob % 3:
            return windows.reduce((functions.compose, functions.compose_in_place)[knob % 2])
        return windows.apply(functions.sequence)

    def long_windows(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        """Windows by processing time; they fire at the end of the input."""
        steady = self._is_steady(stream)
        windows = stream.key_by(functions.key_of).time_window(_AGE * (1 + knob % 2), _AGE)
        return self._in_windows(windows, steady, knob)

    def event_windows(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        stream, lag = self._timed(stream, knob)
        size, slide = _EVENT_WINDOWS[knob % len(_EVENT_WINDOWS)]
        groups = grouped(self._elements(stream), functions.key_of).values()
        self._env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
        windows = stream.key_by(functions.key_of).time_window(size, slide)
        self._env.set_stream_time_characteristic(TimeCharacteristic.ProcessingTime)
        if lag is not None and knob % 2:
            windows = windows.allowed_lateness(knob % 5 * 4)
        if lag is not None and knob % 3 == 0:
            windows = windows.side_output_late_data("late")
        result: Any = self._in_windows(windows, all(is_settled(size, slide, group) for group in groups), knob)
        if lag is not None and knob % 3 == 0:
            self.streams.append(result.get_side_output("late"))
        return result

    def timed(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        return stream.assign_timestamps_and_watermarks(functions.Patient())

    def loop(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        head = stream.map(functions.with_turns).iterate()
        body: Any = head
        if knob % 3 == 1:
            body = body.set_parallelism(1 + knob % 4).rebalance()
        if knob % 4 == 1:
            body = body.key_by(functions.to_tuple).reduce(functions.latest)
        elif knob % 4 == 2:
            body = body.key_by(functions.to_tuple).count_window(2).apply(functions.first_of)
        body = body.flat_map(functions.fan_out) if knob % 2 else body.map(functions.turned)
        if knob % 5 > 2:
            body = body.map(functions.Reused())
        if knob % 5 == 0:
            body.set_parallelism(1 + knob % 3)
        # What comes first of several that take from one stream gets a copy.
        done = body.filter(functions.has_none) if knob % 3 else body
        fed_back = body.filter(functions.has_turns)
        if knob % 4 == 3:
            parts = body.split(functions.turns)
            fed_back = parts.select("inner").union(parts.select("outer").map(functions.to_dict))
        head.close_with(fed_back)
        return done

    def nested_loops(self, stream: DataStream, other: DataStream, knob: int) -> DataStream:
        outer = stream.map(functions.with_turns).iterate()
        inner = outer.filter(functions.has_turns).iterate()
        body = inner.flat_map(functions.fan_out) if knob % 2 else inner.rebalance().map(functions.turned)
        parts = body.split(functions.turns)
        inner.close_with(parts.select("inner"))
        back: DataStream = parts.select("outer")
        outer.close_with(back.map(functions.to_row).set_parallelism(1 + knob % 4) if knob % 3 else back)
        return body.filter(functions.has_none)

    # --- parts of them -----------------------------------------------------------------------------------------------

    def _added(self, stream: DataStream) -> DataStream:
        self.oracle.extend()
        return stream

    def _elements(self, stream: DataStream) -> list[Element]:
        return self.oracle.elements(stream._inputs())

    def _is_steady(self, stream: DataStream) -> bool:
        return all(is_steady(group) for group in grouped(self._elements(stream), functions.key_of).values())

    def _keyed(self, stream: DataStream, knob: int) -> DataStream:
        if not self._is_steady(stream):
            stream = self._added(stream.map(functions.ones))
        if knob % 5 == 0:
            stream = stream.key_by(functions.parity_of)
        return stream.key_by(functions.key_of)

    def _in_windows(self, windows: Any, settled: bool, knob: int) -> DataStream:
        if knob % 2:
            function = functions.sequence if settled else functions.total
            return windows.apply(function)
        if settled:
            return windows.reduce((functions.compose, functions.compose_in_place)[knob // 2 % 2])
        return windows.reduce((functions.add, functions.add_in_place)[knob // 2 % 2])

    def _timed(self, stream: DataStream, knob: int) -> tuple[DataStream, int | None]:
        """With event times; and how far its watermarks stay behind where records may be late, else None."""
        elements = self._elements(stream)
        if knob % 4 and elements and all(isinstance(element.time, int) for element in elements):
            return stream, None
        if not is_ordered(elements):
            assigned = stream.assign_timestamps_and_watermarks(functions.Patient())
            return self._added(assigned.set_parallelism(1 + knob % 4)), None
        times = [functions.time_of(element.record) for element in elements]
        lag = None if times == sorted(times) else knob % 7
        assigned = stream.assign_timestamps_and_watermarks(functions.Hasty(1 if lag is None else lag))
        return self._added(assigned.set_parallelism(1)), lag


WAYS: dict[str, Callable[[Planner, DataStream, DataStream, int], DataStream]] = {
    "tuples": _one(lambda stream: stream.map(functions.to_tuple)),
    "dicts": _one(lambda stream: stream.map(functions.to_dict)),
    "rows": _one(lambda stream: stream.map(functions.to_row)),
    "increase": _one(lambda stream: stream.map(functions.increase)),
    "reused": _one(lambda stream: stream.map(functions.Reused())),
    "spoil": _one(lambda stream: stream.map(functions.spoil)),
    "repeat": _one(lambda stream: stream.flat_map(functions.repeat)),
    "filter": _one(lambda stream: stream.filter(functions.is_wanted)),
    "even": _one(lambda stream: stream.split(functions.names).select("even")),
    "large or odd": _one(lambda stream: stream.split(functions.names).select("large", "odd", "none")),
    "all": _one(lambda stream: stream.split(functions.names)),
    "rebalance": _one(lambda stream: stream.rebalance()),
    "shuffle": _one(lambda stream: stream.shuffle()),
    "broadcast": _one(lambda stream: stream.broadcast().map(functions.increase)),
    "union": lambda planner, stream, other, knob: stream.union(other),
    "union of itself": _one(lambda stream: stream.union(stream, stream)),
    "forward": Planner.forward,
    "keyed": Planner.keyed,
    "stateful": Planner.stateful,
    "rolling": Planner.rolling,
    "counted": Planner.counted,
    "long windows": Planner.long_windows,
    "timed": Planner.timed,
    "event windows": Planner.event_windows,
    "loop": Planner.loop,
    "nested loops": Planner.nested_loops,
}
MULTIPLYING = {"repeat", "broadcast", "union", "union of itself", "long windows", "loop", "nested loops"}
# What leaves records where they are, or must have the parallelism that it has.
ROUTES = {"even", "large or odd", "all", "forward"}

# Steps that keep most state are drawn most often, and most steps continue the last stream.
ways = st.sampled_from([*sorted(WAYS), "rolling", "counted", "counted", "event windows", "event windows"])
positions = st.sampled_from([0] * 6 + [1, 2, 3, 4, 5])
step = st.tuples(ways, positions, st.integers(0, 9), st.integers(0, 420), widths)
steps = st.one_of(st.lists(step, min_size=1, max_size=5), st.lists(step, min_size=6, max_size=10))
