"""Builds an operator from its spec in the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.graph import specs
from stream_engine.operators.count_windows import CountWindowApplyOperator, CountWindowReduceOperator
from stream_engine.operators.event_windows import EventTimeApplyOperator, EventTimeReduceOperator
from stream_engine.operators.keyed import ReduceOperator
from stream_engine.operators.sinks import FunctionSinkOperator, LineOperator, SocketOperator
from stream_engine.operators.timestamps import AssignTimestampsOperator
from stream_engine.operators.transform import (
    FilterOperator,
    FlatMapOperator,
    MapOperator,
    PassOperator,
    ReceiveOperator,
    SplitOperator,
)
from stream_engine.operators.windows import (
    MergeWindowsOperator,
    PreAggregateOperator,
    WindowApplyOperator,
    WindowReduceOperator,
)

if TYPE_CHECKING:
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.operators.operator import Operator
    from stream_engine.operators.tables import Tables

_SIMPLE = {
    specs.Map: MapOperator,
    specs.FlatMap: FlatMapOperator,
    specs.Filter: FilterOperator,
}


def build_operator(node: StreamNode, index: int, width: int, tables: Tables | None = None) -> Operator:
    """The operator of subtask ``index`` of ``width``; its user functions are loaded anew.

    It keeps keyed state in ``tables``; without them, in memory.
    """
    operator = _built(node, index, width)
    if tables is not None:
        operator.tables = tables
    return operator


def _built(node: StreamNode, index: int, width: int) -> Operator:
    operator, identifier, name, key = node.operator, node.id, node.name, node.key
    simple = _SIMPLE.get(type(operator))
    if simple is not None:
        return simple(identifier, name, operator.function, key)  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(operator, specs.AssignTimestamps):
        return AssignTimestampsOperator(identifier, name, operator.assigner, key)
    if isinstance(operator, specs.CollectionSource | specs.PythonSource):
        return ReceiveOperator(identifier, name)
    if isinstance(operator, (*specs.SOURCES, specs.IterationHead)):
        return PassOperator(identifier, name)
    if isinstance(operator, specs.Split):
        return SplitOperator(identifier, name, operator.selector, key)
    if isinstance(operator, specs.ConsoleSink | specs.TextFileSink):
        return LineOperator(identifier, name, operator, index, width)
    if isinstance(operator, specs.FunctionSink):
        if not operator.transactional:
            return FunctionSinkOperator(identifier, name, operator, key)
        from stream_engine.operators.transactions import TransactionalSinkOperator

        return TransactionalSinkOperator(identifier, name, operator, key)
    if isinstance(operator, specs.SocketSink):
        return SocketOperator(identifier, name, operator, key)
    return _keyed(node)


def _keyed(node: StreamNode) -> Operator:
    operator, key = node.operator, node.key
    assert key is not None, f"{node.name} works on keys, but its input is not keyed"
    if isinstance(operator, specs.Reduce):
        return ReduceOperator(node.id, node.name, operator.function, key)
    if isinstance(operator, specs.PreAggregate):
        return PreAggregateOperator(node.id, node.name, operator.function, key, operator.windows)
    if isinstance(operator, specs.WindowReduce):
        if isinstance(operator.windows, specs.CountWindows):
            return CountWindowReduceOperator(node.id, node.name, operator.function, key, operator.windows)
        if operator.windows.event_time:
            return EventTimeReduceOperator(node.id, node.name, operator, key, operator.windows)
        merging = MergeWindowsOperator if operator.preaggregated else WindowReduceOperator
        return merging(node.id, node.name, operator.function, key, operator.windows)
    if isinstance(operator, specs.WindowApply):
        if isinstance(operator.windows, specs.CountWindows):
            return CountWindowApplyOperator(node.id, node.name, operator.function, key, operator.windows)
        if operator.windows.event_time:
            return EventTimeApplyOperator(node.id, node.name, operator, key, operator.windows)
        return WindowApplyOperator(node.id, node.name, operator.function, key, operator.windows)
    raise AssertionError(f"no operator for {operator!r}")
