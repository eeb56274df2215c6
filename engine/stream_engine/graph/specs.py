"""The specs of a plan's operators. They are pure data: the code is in stream_engine.operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

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


Source = CollectionSource | ClientSource | SequenceSource | PythonSource | TextFileSource | SocketTextSource
Sink = ConsoleSink | TextFileSink | SocketSink | FunctionSink
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

SOURCES = (CollectionSource, ClientSource, SequenceSource, PythonSource, TextFileSource, SocketTextSource)
SINKS = (ConsoleSink, TextFileSink, SocketSink, FunctionSink)
PUSHING_SOURCES = (PythonSource, SocketTextSource)
PARALLEL_SOURCES = (SequenceSource, TextFileSource)
