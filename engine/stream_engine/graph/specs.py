"""The specs of a plan's operators. They are pure data: the code is in stream_engine.operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from stream_engine.configuration.kafka import ConsumerOptions
    from stream_engine.graph.functions import UserFunction

# --- sources ---------------------------------------------------------------------------------------------------------


class CollectionSource(NamedTuple):
    """The elements of a collection, pickled one after another as lists (``chunks``) when the script gave them."""

    chunks: tuple[bytes, ...]
    size: int


class ClientSource(NamedTuple):
    """An iterable that cannot be pickled (a generator, an open file); read in the script's own process."""

    iterable: Iterable[Any]


class SequenceSource(NamedTuple):
    """The integers from ``start`` to ``end``, both included."""

    start: int
    end: int


class PythonSource(NamedTuple):
    """A user's SourceFunction: ``run(ctx)`` pushes records until it returns; ``cancel()``, if any, asks it to.

    A ``parallel`` one runs in as many subtasks as other operators do; a ``replayable`` one has ``snapshot_state()`` and
    ``restore_state(state)``, so it can resume.
    """

    function: UserFunction
    parallel: bool = False
    replayable: bool = False


class TextFileSource(NamedTuple):
    """The lines of a file, of a directory's files, or of the files a glob matches; a path or a URL."""

    path: str
    charset: str = "utf-8"


class SocketTextSource(NamedTuple):
    """The lines that a TCP server sends."""

    host: str
    port: int


class KafkaStart(NamedTuple):
    """Where the reading of a partition begins that no checkpoint knows of.

    ``mode`` is ``group`` (where the group's committed offset is), ``earliest``, ``latest``, ``timestamp`` (the first
    record of ``time``, in ms since the epoch, or later) or ``offsets`` (those in ``offsets``, by topic and partition;
    ``group`` for all others).
    """

    mode: str = "group"
    time: int = 0
    offsets: tuple[tuple[tuple[str, int], int], ...] = ()


class KafkaSource(NamedTuple):
    """The records of Kafka topics, as a schema makes them; endless, unless the schema knows an end.

    ``topics`` are names, or a pattern that whole names match. ``settings`` are librdkafka's, ``options`` what the
    connector makes of the script's properties itself. The schema ``takes`` the ``value``, ``parts`` (key, value, topic,
    partition, offset) or the whole ``record``; in its place ``charset`` says that values are plain text. ``ends`` tells
    to ask the schema whether a record is the last. ``assigner``, as that of AssignTimestamps, is loaded anew for each
    partition. ``commits`` says whether a complete checkpoint's offsets are committed to the group.
    """

    topics: tuple[str, ...] | re.Pattern[str]
    schema: UserFunction
    takes: str
    settings: dict[str, str]
    options: ConsumerOptions
    start: KafkaStart = KafkaStart()
    charset: str | None = None
    ends: bool = False
    assigner: UserFunction | None = None
    commits: bool = True


# --- record at a time ------------------------------------------------------------------------------------------------


class Map(NamedTuple):
    function: UserFunction


class FlatMap(NamedTuple):
    function: UserFunction


class Filter(NamedTuple):
    function: UserFunction


class Split(NamedTuple):
    """Names the outputs of each record; edges that leave this operator say which names they select."""

    selector: UserFunction


class Reduce(NamedTuple):
    """The rolling reduce of a keyed stream: every record gives its key's new value."""

    function: UserFunction


# --- time and windows ------------------------------------------------------------------------------------------------


class AssignTimestamps(NamedTuple):
    """Gives records their event time, and makes watermarks of them.

    ``assigner`` loads as an object with three methods, whose times are ints of ms or None for no watermark now:
    ``extractTimestamp(value, previous_timestamp)``, ``checkAndGetNextWatermark(value, timestamp)`` to be asked after
    each record, and ``getCurrentWatermark()`` to be asked from time to time.
    """

    assigner: UserFunction


class TimeWindows(NamedTuple):
    """Windows of ``size`` ms that begin every ``slide`` ms (tumbling when equal), aligned to the epoch."""

    size: int
    slide: int
    event_time: bool = False


class CountWindows(NamedTuple):
    """The last ``size`` records of a key, every ``slide`` records (tumbling when equal)."""

    size: int
    slide: int


WindowAssigner = TimeWindows | CountWindows


class WindowReduce(NamedTuple):
    """One value per key and window. ``lateness`` in ms; ``late_output`` names the output of late records.

    When ``preaggregated``, its inputs are the partial results of PreAggregate operators.
    """

    windows: WindowAssigner
    function: UserFunction
    lateness: int = 0
    late_output: str | None = None
    preaggregated: bool = False


class WindowApply(NamedTuple):
    """``apply(key, window, values, collector)`` per key and window, with ``values`` a list."""

    windows: WindowAssigner
    function: UserFunction
    lateness: int = 0
    late_output: str | None = None


class PreAggregate(NamedTuple):
    """The part of a windowed reduce that runs before its exchange: one partial result per key and pane."""

    windows: TimeWindows
    function: UserFunction


# --- loops -----------------------------------------------------------------------------------------------------------


class IterationHead(NamedTuple):
    """Where a loop begins: its inputs and its feedback edges meet. ``max_wait`` ms of idleness end it; 0: never."""

    max_wait: int = 0


# --- sinks -----------------------------------------------------------------------------------------------------------


class ConsoleSink(NamedTuple):
    """``str(record)`` as a line of standard output, with Flink's prefix."""

    identifier: str | None = None


class TextFileSink(NamedTuple):
    """``str(record)`` as a line of a file (parallelism 1) or of the files ``1`` to ``n`` of a directory.

    With ``parts``, of part files in a directory, each of which shows when a checkpoint is complete that counts it.
    """

    path: str
    overwrite: bool = False
    parts: bool = False


class SocketSink(NamedTuple):
    """The bytes of each record, as ``schema`` makes them, to a TCP server."""

    host: str
    port: int
    schema: UserFunction


class FunctionSink(NamedTuple):
    """A user's SinkFunction: ``invoke(value)``, or ``invoke(value, context)`` when it ``takes_context``.

    A ``transactional`` one has ``begin``, ``pre_commit``, ``commit`` and ``abort``.
    """

    function: UserFunction
    takes_context: bool = False
    transactional: bool = False


class KafkaSink(NamedTuple):
    """Records for Kafka: to ``topic``, unless the schema names another.

    The schema ``gives`` the ``value`` (``serialize(record)``), ``parts`` (``serializeKey``, ``serializeValue`` and
    ``getTargetTopic``) or a ``record`` (``serialize(record, timestamp)`` returns a ProducerRecord). The partition is
    that of ``partitioner``; without one it is the key's, where ``by_key``, and otherwise each subtask has its own.
    ``guarantee`` is ``exactly-once`` (in transactions), ``at-least-once`` or ``none``. ``timeout`` (ms) is how long
    Kafka may take to confirm records. A ``lenient`` sink only logs what could not be written; a ``stamped`` one writes
    records with their event time.
    """

    topic: str
    schema: UserFunction
    gives: str
    settings: dict[str, str]
    partitioner: UserFunction | None = None
    by_key: bool = False
    guarantee: str = "at-least-once"
    timeout: int = 120_000
    lenient: bool = False
    stamped: bool = False
    transactional_id: str | None = None

    @property
    def transactional(self) -> bool:
        """Whether its records are to show when a checkpoint counts them."""
        return self.guarantee == "exactly-once"

    @property
    def takes_context(self) -> bool:
        """Whether it is to be told the time of each record."""
        return self.stamped or self.gives == "record"


Source = (
    CollectionSource | ClientSource | SequenceSource | PythonSource | TextFileSource | SocketTextSource | KafkaSource
)
Sink = ConsoleSink | TextFileSink | SocketSink | FunctionSink | KafkaSink
Operator = (
    Source
    | Map
    | FlatMap
    | Filter
    | Split
    | Reduce
    | AssignTimestamps
    | WindowReduce
    | WindowApply
    | PreAggregate
    | IterationHead
    | Sink
)

SOURCES = (CollectionSource, ClientSource, SequenceSource, PythonSource, TextFileSource, SocketTextSource, KafkaSource)
SINKS = (ConsoleSink, TextFileSink, SocketSink, FunctionSink, KafkaSink)
PUSHING_SOURCES = (PythonSource, SocketTextSource)
PARALLEL_SOURCES = (SequenceSource, TextFileSource, KafkaSource)
