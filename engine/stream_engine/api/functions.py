"""The base classes of user functions.

A base class fixes nothing but a name: it has no constructor, and leaves the method that its functions must have to
them, so that a function without it is found when the script passes it to a stream.
"""

from __future__ import annotations

from typing import Any

from stream_engine.beans import with_properties


class Function:
    """The base of all functions."""


class MapFunction(Function):
    """``map(value)`` returns one record for each."""


class FlatMapFunction(Function):
    """``flatMap(value, collector)`` gives any number of records to ``collector.collect(record)``."""


class FilterFunction(Function):
    """``filter(value)`` returns something true for the records to keep."""


class ReduceFunction(Function):
    """``reduce(value1, value2)`` returns the two records combined into one; it must be associative."""


class AggregateFunction(Function):
    """Combines values of one type into a result of another.

    ``createAccumulator()`` returns an empty accumulator, ``add(value, accumulator)`` the one that has the value in it,
    and ``getResult(accumulator)`` the result.
    """


class KeySelector(Function):
    """``getKey(value)`` returns the key of a record: hashable, and equal by value."""


class OutputSelector(Function):
    """``select(value)`` returns the names of the outputs that a record goes to: a list, tuple, set or one str."""


class WindowFunction(Function):
    """``apply(key, window, values, collector)`` is called with the list of a window's records."""


class SourceFunction(Function):
    """``run(ctx)`` gives records to ``ctx.collect(record)`` until it returns; ``cancel()`` makes it return early.

    ``ctx.collect_with_timestamp(record, timestamp)`` gives a record its event time, in ms since the epoch.
    """


class ParallelSourceFunction(SourceFunction):
    """A source that runs in as many instances as other operators, each of which gives its own records."""


class SinkFunction(Function):
    """``invoke(value)`` or ``invoke(value, context)`` is called with each record."""


@with_properties
class RichFunction(Function):
    """A function with a life: ``open`` before its first record, ``close`` after its last."""

    __runtime_context: Any = None

    def open(self, config: Any) -> None:
        """Called once in each worker, before records come. ``config`` is the job's Configuration."""

    def close(self) -> None:
        """Called once in each worker, after the last record or after a failure."""

    def set_runtime_context(self, context: Any) -> None:
        """Called by the engine before ``open``."""
        self.__runtime_context = context

    def get_runtime_context(self) -> Any:
        """The operator's name, parallelism, subtask index, keyed state and accumulators; from ``open`` on."""
        if self.__runtime_context is None:
            raise RuntimeError(
                f"{type(self).__name__} has no runtime context yet: it exists in the workers, from open() on."
            )
        return self.__runtime_context

    setRuntimeContext = set_runtime_context
    getRuntimeContext = get_runtime_context


class RichMapFunction(RichFunction, MapFunction):
    """A MapFunction with ``open`` and ``close``."""


class RichFlatMapFunction(RichFunction, FlatMapFunction):
    """A FlatMapFunction with ``open`` and ``close``."""


class RichFilterFunction(RichFunction, FilterFunction):
    """A FilterFunction with ``open`` and ``close``."""


class RichReduceFunction(RichFunction, ReduceFunction):
    """A ReduceFunction with ``open`` and ``close``."""


class RichWindowFunction(RichFunction, WindowFunction):
    """A WindowFunction with ``open`` and ``close``."""


class RichSourceFunction(RichFunction, SourceFunction):
    """A SourceFunction with ``open`` and ``close``."""


class RichParallelSourceFunction(RichFunction, ParallelSourceFunction):
    """A ParallelSourceFunction with ``open`` and ``close``."""


class RichSinkFunction(RichFunction, SinkFunction):
    """A SinkFunction with ``open`` and ``close``."""


class ConnectorSource(SourceFunction):
    """A source that the engine reads itself: ``described()`` says how, and what to call it."""

    def described(self) -> tuple[Any, str]:
        raise NotImplementedError


class ConnectorSink(SinkFunction):
    """A sink that the engine writes itself: ``described()`` says how, and what to call it."""

    def described(self) -> tuple[Any, str]:
        raise NotImplementedError


class DiscardingSink(SinkFunction):
    """A sink that drops every record."""

    def invoke(self, value: Any) -> None:
        pass
