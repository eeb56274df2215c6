"""What a plan means, told in the plainest way: one process, whole streams as lists, every record copied at each step.

For plans whose results do not depend on the order of records, and without windows of time.
"""

from __future__ import annotations

from copy import deepcopy
from functools import reduce
from typing import TYPE_CHECKING, Any

from stream_engine.connectors.collection import CollectionReader
from stream_engine.graph import operators as plan
from stream_engine.graph.partitioners import Broadcast

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.stream_graph import StreamGraph, StreamNode


class Collected:
    """A collector that keeps copies."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def collect(self, record: Any) -> None:
        self.records.append(deepcopy(record))


class Oracle:
    """The lines that ``output()`` would write."""

    def __init__(self, graph: StreamGraph, default_parallelism: int) -> None:
        self._graph = graph
        self._default = default_parallelism
        self._streams: dict[int, list[Any]] = {}
        self._names: dict[int, list[Any]] = {}
        self.lines: list[str] = []
        for node in graph.nodes:
            self._streams[node.id] = self._run(node, self._inputs(node))
        self.lines.sort()

    def _inputs(self, node: StreamNode) -> list[Any]:
        records: list[Any] = []
        for edge in self._graph.inputs(node.id):
            stream = self._streams[edge.upstream.node]
            if edge.upstream.selected is not None:
                wanted = set(edge.upstream.selected)
                names = self._names[edge.upstream.node]
                stream = [record for record, given in zip(stream, names, strict=True) if wanted & set(given)]
            copies = 1
            if isinstance(edge.upstream.partitioner, Broadcast):
                copies = self._graph.parallelisms(self._default)[node.id]
            for _ in range(copies):
                records.extend(deepcopy(record) for record in stream)
        return records

    def _run(self, node: StreamNode, records: list[Any]) -> list[Any]:
        operator = node.operator
        collected = Collected()
        match operator:
            case plan.CollectionSource(chunks=chunks, count=count):
                reader = CollectionReader(chunks, count)
                while (batch := reader.read(100)) is not None:
                    collected.records.extend(batch)
            case plan.SequenceSource(start=start, end=end):
                collected.records.extend(range(start, end + 1))
            case plan.Map(function=function):
                collected.records.extend(map(_callable(function), records))
            case plan.FlatMap(function=function):
                for record in records:
                    _callable(function)(record, collected)
            case plan.Filter(function=function):
                collected.records.extend(filter(_callable(function), records))
            case plan.Split(selector=selector):
                self._names[node.id] = [_callable(selector)(deepcopy(record)) for record in records]
                return records
            case plan.Reduce(function=function):
                for values in self._groups(node, records).values():
                    value = None
                    for record in values:
                        value = record if value is None else _callable(function)(deepcopy(value), record)
                        collected.collect(value)
            case plan.WindowReduce(function=function, windows=plan.CountWindows() as windows):
                for values in self._groups(node, records).values():
                    for window in _count_windows(values, windows):
                        collected.collect(reduce(_callable(function), window))
            case plan.WindowApply(function=function, windows=plan.CountWindows() as windows):
                for key, values in self._groups(node, records).items():
                    for window in _count_windows(values, windows):
                        _callable(function)(key, None, window, collected)
            case plan.ConsoleSink():
                self.lines.extend(map(str, records))
            case _:
                raise AssertionError(f"the oracle does not know {operator!r}")
        return collected.records

    def _groups(self, node: StreamNode, records: list[Any]) -> dict[Any, list[Any]]:
        assert node.key is not None
        groups: dict[Any, list[Any]] = {}
        for record in records:
            groups.setdefault(_callable(node.key)(record), []).append(record)
        return groups


def _callable(function: UserFunction) -> Any:
    loaded = function.load()
    return getattr(loaded, function.method) if function.method else loaded


def _count_windows(values: list[Any], windows: plan.CountWindows) -> list[list[Any]]:
    ends = range(windows.slide, len(values) + 1, windows.slide)
    return [deepcopy(values[max(0, end - windows.size) : end]) for end in ends]
