"""Streams of records, and the operations on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.api.analysis.signature import signature_of
from stream_engine.api.capture.snapshot import is_transactional, refuse, snapshot
from stream_engine.api.files import WriteMode, location_of
from stream_engine.api.functions import (
    ConnectorSink,
    FilterFunction,
    FlatMapFunction,
    KeySelector,
    MapFunction,
    OutputSelector,
    SinkFunction,
)
from stream_engine.api.serialization import SerializationSchema
from stream_engine.api.settings import DataStreamSink, OperatorSettings
from stream_engine.graph.partitioners import Broadcast, Forward, Rebalance, Shuffle
from stream_engine.graph.specs import (
    AssignTimestamps,
    ConsoleSink,
    Filter,
    FlatMap,
    FunctionSink,
    IterationHead,
    Map,
    SocketSink,
    Split,
    TextFileSink,
)
from stream_engine.graph.stream_graph import Upstream

if TYPE_CHECKING:
    from stream_engine.api.iterative import IterativeStream
    from stream_engine.api.keyed import KeyedStream
    from stream_engine.api.plan import Plan
    from stream_engine.api.split import SplitStream
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.partitioners import Partitioner
    from stream_engine.graph.specs import Operator, Sink
    from stream_engine.graph.stream_graph import StreamNode


class DataStream(OperatorSettings):
    """Records from one operator, or from several (a union). Every method adds to the plan; nothing runs yet.

    A function is an object of its class or any callable, and is copied when it is passed. All methods raise
    InvalidProgramException, at the script's line, for arguments that cannot work.
    """

    def __init__(
        self,
        plan: Plan,
        upstreams: tuple[Upstream, ...],
        node: StreamNode | None = None,
        key: UserFunction | None = None,
    ) -> None:
        super().__init__(node)
        self._plan = plan
        self._graph = plan.graph
        self._upstreams = upstreams
        self._key = key

    # --- record at a time ---

    def map(self, function: Any) -> DataStream:
        """One record for each: ``map(value)``."""
        mapper = snapshot(function, "map", MapFunction, ("value",))
        return self._transformed(Map(mapper), f"Map: {mapper.label}")

    def flat_map(self, function: Any) -> DataStream:
        """Any number of records for each: ``flatMap(value, collector)``."""
        mapper = snapshot(function, "flatMap", FlatMapFunction, ("value", "collector"))
        return self._transformed(FlatMap(mapper), f"Flat Map: {mapper.label}")

    def filter(self, function: Any) -> DataStream:
        """The records for which ``filter(value)`` is true."""
        condition = snapshot(function, "filter", FilterFunction, ("value",))
        return self._transformed(Filter(condition), f"Filter: {condition.label}")

    def assign_timestamps_and_watermarks(self, assigner: Any) -> DataStream:
        """Gives records their event time.

        ``assigner`` is one of the classes in ``stream_engine.api.watermarks``, or a callable that returns the
        timestamps of records that come in their order.
        """
        from stream_engine.api.assigners import assigner_of

        assign = assigner_of(assigner)
        return self._transformed(AssignTimestamps(assign), f"Timestamps: {assign.label}")

    # --- several streams ---

    def union(self, *others: DataStream) -> DataStream:
        """All records of this stream and the others; of a stream with itself, each record twice."""
        streams = (self, *others)
        return DataStream(self._plan, tuple(upstream for stream in streams for upstream in self._inputs_from(stream)))

    def split(self, selector: Any) -> SplitStream:
        """Names the outputs of each record: ``select(value)`` returns one name or several.

        Naming moves no record. How they travel, for example by ``key_by``, takes effect after the split.
        """
        from stream_engine.api.split import split

        names = snapshot(selector, "select", OutputSelector, ("value",))
        # A selector that may keep keyed state has to run where the key is.
        key = self._key if hasattr(selector, "getRuntimeContext") else None
        return split(self._plan, self._inputs(), Split(names), f"Split: {names.label}", key)

    def iterate(self, max_wait_time: Any = 0) -> IterativeStream:
        """Begins a loop, to be closed with ``close_with``.

        It ends when its input has ended and no record is left in it, nor in a time window inside it. If
        ``max_wait_time`` (ms, or a Time) is given, an idle loop waits only that long for such windows.
        """
        from stream_engine.api.iterative import IterativeStream
        from stream_engine.api.time import milliseconds_of

        node = self._added(IterationHead(milliseconds_of(max_wait_time)), "Iteration")
        return IterativeStream(self._plan, (Upstream(node.id),), node)

    # --- how records travel ---

    def key_by(self, selector: Any) -> KeyedStream:
        """Brings records with equal keys together: ``getKey(value)``."""
        from stream_engine.api.keyed import KeyedStream

        return KeyedStream(self._plan, self._inputs(), snapshot(selector, "getKey", KeySelector, ("value",)))

    def rebalance(self) -> DataStream:
        """To the next operator's instances in turn."""
        return self._spread(Rebalance())

    def shuffle(self) -> DataStream:
        """To an instance chosen at random for each record."""
        return self._spread(Shuffle())

    def broadcast(self) -> DataStream:
        """Every record to every instance."""
        return self._spread(Broadcast())

    def forward(self) -> DataStream:
        """From each instance to the one with the same index; both operators must have the same parallelism."""
        return self._spread(Forward())

    # --- sinks ---

    def output(self, sink_identifier: str | None = None) -> DataStreamSink:
        """Writes ``str(record)`` lines to standard output, after an identifier and, of several, the instance."""
        identifier = None if sink_identifier is None else str(sink_identifier)
        return self._sink(ConsoleSink(identifier), f"Sink: output({identifier or ''})")

    print = output

    def write_as_text(self, path: Any, mode: WriteMode = WriteMode.NO_OVERWRITE) -> DataStreamSink:
        """Writes ``str(record)`` lines to a file, or with parallelism n to the files ``1`` to ``n`` of a directory."""
        if not isinstance(mode, WriteMode):
            refuse(f"write_as_text() takes WriteMode.OVERWRITE or WriteMode.NO_OVERWRITE, not {mode!r}.")
        location = location_of(path)
        return self._sink(TextFileSink(location, mode is WriteMode.OVERWRITE), f"Sink: {location}")

    def write_to_socket(self, host: str, port: int, schema: Any) -> DataStreamSink:
        """Sends ``schema.serialize(record)`` of each record to a TCP server."""
        from stream_engine.api.addresses import check_address

        check_address(host, port)
        serializer = snapshot(schema, "serialize", SerializationSchema, ("value",))
        return self._sink(SocketSink(host, port, serializer), f"Sink: {host}:{port}")

    def add_sink(self, function: Any) -> DataStreamSink:
        """Calls ``invoke(value)`` or ``invoke(value, context)`` with each record.

        A function that has ``pre_commit(transaction)`` writes in transactions: ``begin()`` returns one for the records
        that follow, ``commit(transaction)`` makes it show when a checkpoint or the job is complete, and
        ``abort(transaction)`` undoes it. It may also be a connector of the engine's own, such as a FlinkKafkaProducer.
        """
        if isinstance(function, ConnectorSink):
            return self._sink(*function.described())
        sink = snapshot(function, "invoke", SinkFunction, ("value",), ("context",))
        takes_context = _takes_context(function if sink.method is None else function.invoke)
        return self._sink(FunctionSink(sink, takes_context, is_transactional(function)), f"Sink: {sink.label}")

    # --- for the other kinds of streams ---

    def _inputs(self) -> tuple[Upstream, ...]:
        """Where the records come from, in the plan's present graph."""
        return self._plan.current(self._graph, self._upstreams)

    def _inputs_from(self, other: Any) -> tuple[Upstream, ...]:
        """Another stream's inputs. Raises InvalidProgramException unless it is one of the same environment."""
        if not isinstance(other, DataStream):
            refuse(f"A stream is needed here, not {other!r}.")
        if other._plan is not self._plan:
            refuse("Streams of two environments cannot meet: make both from the same one.")
        return other._inputs()

    def _added(self, operator: Operator, name: str) -> StreamNode:
        return self._plan.add(operator, name, self._inputs(), self._key)

    def _transformed(self, operator: Operator, name: str) -> DataStream:
        node = self._added(operator, name)
        return DataStream(self._plan, (Upstream(node.id),), node)

    def _sink(self, operator: Sink, name: str) -> DataStreamSink:
        return DataStreamSink(self._added(operator, name))

    def _spread(self, partitioner: Partitioner) -> DataStream:
        upstreams = tuple(upstream._replace(partitioner=partitioner) for upstream in self._inputs())
        return DataStream(self._plan, upstreams)

    def __getattr__(self, name: str) -> NoReturn:
        from stream_engine.api.unknown import advice_for_stream

        advice = advice_for_stream(name, self._key is not None) if not name.startswith("_") else ""
        if advice:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}; {advice}", name=name)
        super().__getattr__(name)


def _takes_context(invoke: Any) -> bool:
    """Whether it takes a context: a second parameter. One with a default (``out=out``) counts only if named so."""
    signature = signature_of(invoke)
    if signature is None or len(signature.names) < 2:
        return False
    return signature.optional < len(signature.names) - 1 or signature.names[1] in ("context", "ctx")
