"""What a plan means, told in the plainest way: one process, streams as lists, a copy of each record for each call."""

from __future__ import annotations

import pickle
import time
from copy import deepcopy
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle_state import Context
from oracle_streams import (
    UNKNOWN,
    Collected,
    Element,
    Stream,
    Watermark,
    grouped,
    is_ordered,
    is_steady,
    records_of,
    united,
    unordered,
    untimed,
    without_watermarks,
)
from oracle_windows import Windowing, count_windows

from stream_engine.graph import specs
from stream_engine.graph.partitioners import Broadcast, Forward, Hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.stream_graph import StreamEdge, StreamGraph, StreamNode, Upstream


class Undefined(Exception):
    """The plan gives one thing or another, as the order of records, or their time, is not the same in every run."""


class Oracle:
    """Understands a plan as it grows: ``extend`` takes in the operators made since, of loops all at once.

    ``orderless`` are the labels of functions that make the same of a window's records in any order.
    """

    def __init__(
        self,
        graph: StreamGraph,
        default_parallelism: int,
        orderless: Collection[str] = (),
    ) -> None:
        self._graph = graph
        self._default = default_parallelism
        self._orderless = orderless
        self._streams: dict[int, Stream] = {}
        # The nodes whose event time advances before the end of the input.
        self._moving: set[int] = set()
        self._late: dict[int, int] = {}
        self.widths: dict[int, int] = {}
        # What each console sink is given, by its identifier; a record is its line.
        self.outputs: dict[str, list[Element]] = {}
        # The same of each file, or directory of files.
        self.files: dict[Path, list[Element]] = {}

    @property
    def late_records(self) -> int | None:
        """How many records were dropped as late; None if no operator drops any."""
        return sum(self._late.values()) if self._late else None

    def extend(self) -> None:
        nodes = self._graph.nodes[len(self._streams) :]
        feedback = [edge.upstream for node in nodes for edge in self._graph.inputs(node.id) if edge.feedback]
        self.widths = self._graph.parallelisms(self._default)
        self._streams.update((node.id, []) for node in nodes)
        # A loop means the least streams that hold its input and all that they make of themselves.
        fed_back = -1
        while fed_back != (fed_back := len(self.elements(feedback))):
            for node in nodes:
                self._streams[node.id] = list(self._run(node, self._inputs(node)))

    def elements(self, upstreams: Iterable[Upstream]) -> list[Element]:
        """The contents of a stream made of ``upstreams``."""
        return [
            replace(element, lane=(position, element.lane))
            for position, upstream in enumerate(upstreams)
            for element in records_of(self._selected(upstream))
        ]

    # --- between operators -------------------------------------------------------------------------------------------

    def _inputs(self, node: StreamNode) -> Stream:
        edges = self._graph.inputs(node.id)
        if any(edge.upstream.node in self._moving for edge in edges):
            self._moving.add(node.id)
        return self._along(edges[0]) if len(edges) == 1 else [*united(map(self._along, edges))]

    def _along(self, edge: StreamEdge) -> Stream:
        stream, partitioner = self._selected(edge.upstream), edge.upstream.partitioner
        width = self.widths[edge.target]
        if partitioner is None and self.widths[edge.upstream.node] == width:
            partitioner = Forward()
        if width == 1 or isinstance(partitioner, Forward):
            return stream
        if isinstance(partitioner, Hash):
            key_of = _loaded(partitioner.key)
            return [
                item if isinstance(item, Watermark) else replace(item, lane=(item.lane, key_of(deepcopy(item.record))))
                for item in stream
            ]
        if isinstance(partitioner, Broadcast):
            return [*united([stream] * width)]
        return [*unordered(without_watermarks(stream))]

    def _selected(self, upstream: Upstream) -> Stream:
        wanted = None if upstream.selected is None else set(upstream.selected)
        everything = isinstance(self._graph.nodes[upstream.node].operator, specs.Split)

        def goes(names: tuple[str, ...] | None) -> bool:
            return (everything or names is None) if wanted is None else bool(wanted.intersection(names or ()))

        return [
            item if isinstance(item, Watermark) else replace(item, names=None)
            for item in self._streams[upstream.node]
            if isinstance(item, Watermark) or goes(item.names)
        ]

    # --- operators ---------------------------------------------------------------------------------------------------

    def _run(self, node: StreamNode, stream: Stream) -> Iterable[Element | Watermark]:
        match node.operator:
            case specs.CollectionSource(chunks=chunks):
                return [Element(record, node.id) for chunk in chunks for record in pickle.loads(chunk)]
            case specs.ClientSource(iterable=iterable):
                return [Element(record, node.id) for record in iterable]
            case specs.SequenceSource(start=start, end=end):
                numbers = [Element(number, node.id) for number in range(start, end + 1)]
                return numbers if self.widths[node.id] == 1 else unordered(numbers)
            case specs.PythonSource(function=function):
                instances = [self._pushed(node, function) for _ in range(self.widths[node.id])]
                return instances[0] if len(instances) == 1 else united(instances)
            case specs.Map(function=function):
                return self._each(node, stream, function, lambda call, record, out: out.collect(call(record)))
            case specs.FlatMap(function=function):
                return self._each(node, stream, function, lambda call, record, out: call(record, out))
            case specs.Filter(function=function):
                return self._each(node, stream, function, _keep)
            case specs.Split(selector=selector):
                return [
                    item if isinstance(item, Watermark) else replace(item, names=_names(selector, item.record))
                    for item in stream
                ]
            case specs.IterationHead():
                elements = unordered(without_watermarks(stream))
                return untimed(elements) if node.id in self._moving else elements
            case specs.AssignTimestamps(assigner=assigner):
                return self._timed(node, assigner, records_of(stream))
            case specs.Reduce(function=function):
                return self._rolling(node, stream, _loaded(function))
            case specs.WindowReduce(function=function):
                call = _loaded(function)
                return self._windowed(node, stream, lambda key, window, values, out: out.collect(reduce(call, values)))
            case specs.WindowApply(function=function):
                return self._windowed(node, stream, _loaded(function))
            case specs.ConsoleSink(identifier=identifier):
                self.outputs[str(identifier)] = _lines(stream)
                return []
            case specs.TextFileSink(path=path):
                self.files[Path(path)] = _lines(stream)
                return []
            case operator:
                raise AssertionError(f"the oracle does not know {operator!r}")

    def _pushed(self, node: StreamNode, function: UserFunction) -> Stream:
        context = Collected()
        function.load().run(context)
        stream = [item if isinstance(item, Watermark) else Element(item[0], node.id, item[1]) for item in context.items]
        if any(isinstance(item, Watermark) for item in stream):
            self._moving.add(node.id)
        return stream

    def _each(self, node: StreamNode, stream: Stream, function: UserFunction, do: Callable[..., None]) -> Stream:
        target = function.load()
        call = getattr(target, function.method) if function.method else target
        context = Context.of(target)
        if context is not None:
            # What is made of a record depends on those of its key before.
            groups = self._groups(node, stream)
            stream = [replace(element, lane=(node.id, key)) for key, group in groups.items() for element in group]
        results: Stream = []
        for item in stream:
            if isinstance(item, Watermark):
                results.append(item)
                continue
            if context is not None:
                context.key = item.lane
            out = Collected()
            do(call, deepcopy(item.record), out)
            results.extend(replace(item, record=record) for record in out.records)
        return results

    def _timed(self, node: StreamNode, assigner: UserFunction, elements: list[Element]) -> Stream:
        timestamps, latest = assigner.load(), -1
        stream: Stream = []
        for element in elements:
            at = timestamps.extractTimestamp(deepcopy(element.record), None)
            stream.append(replace(element, time=at))
            watermark = timestamps.checkAndGetNextWatermark(deepcopy(element.record), at)
            if watermark is not None and watermark > latest:
                latest = watermark
                stream.append(Watermark(watermark))
        self._moving.discard(node.id)
        if latest >= 0:
            self._moving.add(node.id)
        # Several instances have watermarks of their own, and the least of them counts.
        return stream if self.widths[node.id] == 1 and is_ordered(elements) else [*records_of(stream)]

    def _rolling(self, node: StreamNode, stream: Stream, call: Callable[[Any, Any], Any]) -> Iterable[Element]:
        for key, group in self._groups(node, stream).items():
            value: Any = None
            for position, element in enumerate(group):
                value = call(deepcopy(value), deepcopy(element.record)) if position else element.record
                yield Element(deepcopy(value), (node.id, key), element.time)

    def _windowed(self, node: StreamNode, stream: Stream, call: Callable[..., None]) -> Iterable[Element]:
        """``call`` as that of a WindowFunction."""
        operator = node.operator
        assert isinstance(operator, specs.WindowReduce | specs.WindowApply)
        assert node.key is not None
        windows = operator.windows
        if isinstance(windows, specs.CountWindows):
            for key, group in self._groups(node, stream).items():
                for window, values in count_windows(group, windows):
                    yield from _emitted(node, call, key, window, values, values[-1].time)
            return
        if not windows.event_time:
            # Such windows are longer than any run of the plan.
            now = int(time.time() * 1000)
            stream = [replace(element, time=now) for element in records_of(stream)]
        windowing = Windowing(operator, _loaded(node.key))
        for item in stream:
            if isinstance(item, Watermark):
                windowing.advance(item.time)
            elif isinstance(item.time, int):
                windowing.add(item)
            else:
                raise Undefined(f"the time of {item} at {node.name}")
        windowing.advance(None)
        for key, window, values in windowing.fired:
            if operator.function.label not in self._orderless and not is_settled(windows.size, windows.slide, values):
                raise Undefined(f"the order of {values} at {node.name}")
            at = UNKNOWN if windowing.refired else window.max_timestamp()
            yield from _emitted(node, call, key, window, values, at)
        if windows.event_time:
            self._late[node.id] = 0 if operator.late_output else len(windowing.late)
        if operator.late_output:
            yield from untimed(replace(element, names=(operator.late_output,)) for element in windowing.late)

    def _groups(self, node: StreamNode, stream: Stream) -> dict[Any, list[Element]]:
        assert node.key is not None
        groups = grouped(without_watermarks(stream), _loaded(node.key))
        for key, group in groups.items():
            if not is_steady(group):
                raise Undefined(f"the order of the records of {key!r} at {node.name}")
            if not is_ordered(group) and len({element.time for element in group}) > 1:
                groups[key] = untimed(group)
        return groups


def _lines(stream: Stream) -> list[Element]:
    return [replace(element, record=str(element.record)) for element in records_of(stream)]


def _loaded(function: UserFunction) -> Callable[..., Any]:
    loaded = function.load()
    return getattr(loaded, function.method) if function.method else loaded


def _keep(call: Callable[[Any], Any], record: Any, out: Collected) -> None:
    kept = deepcopy(record)
    if call(record):
        out.collect(kept)


def _names(selector: UserFunction, record: Any) -> tuple[str, ...]:
    names = _loaded(selector)(deepcopy(record))
    return (names,) if isinstance(names, str) else tuple(names)


def _emitted(
    node: StreamNode, call: Callable[..., None], key: Any, window: Any, values: list[Element], at: Any
) -> Iterable[Element]:
    out = Collected()
    call(key, window, [deepcopy(value.record) for value in values], out)
    return [Element(record, (node.id, key), at) for record in out.records]


def is_settled(size: int, slide: int, values: list[Element]) -> bool:
    """Whether the order in windows is the same in every run; where they overlap, time alone gives them one."""
    if size == slide or all(value.record == values[0].record for value in values):
        return is_steady(values)
    times = [value.time for value in values]
    return is_steady(values) and times == sorted(times)
