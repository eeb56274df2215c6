"""Sources that push: a function of the user's, or the reader of a socket, whose ``run`` collects records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.graph import operators as plan
from stream_engine.local.failure import OperatorError
from stream_engine.operators.context import is_rich, open_function
from stream_engine.operators.state import SOURCE, KeyedStates

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration
    from stream_engine.connectors.socket import SocketTextReader
    from stream_engine.local.subtask import Subtask

    # A function of one argument, which takes something through the chain.
    Process = Callable[[Any], None]
    # Makes of it one that does the same, when it may.
    Guard = Callable[[Process], Process]


class SourceContext:
    """What a SourceFunction's ``run`` is given: ``collect(record)`` takes the record through the whole chain.

    In jobs with event time, ``collect_with_timestamp(record, time)`` also gives it a time (ms), and
    ``emit_watermark(time)`` says that none of that time or earlier will follow; in others both say no more than
    ``collect``.
    """

    __slots__ = ("_watermark", "collect", "collect_with_timestamp")

    def __init__(
        self,
        collect: Callable[[Any], None],
        collect_with_timestamp: Callable[[Any, int], None],
        watermark: Callable[[int], None],
    ) -> None:
        self.collect = collect
        self.collect_with_timestamp = collect_with_timestamp
        self._watermark = watermark

    @property
    def collectWithTimestamp(self) -> Callable[[Any, int], None]:
        return self.collect_with_timestamp

    def emit_watermark(self, watermark: Any) -> None:
        """Takes a Watermark or its time in ms."""
        self._watermark(getattr(watermark, "timestamp", watermark))

    emitWatermark = emit_watermark


class PushingFunction:
    """The function of one subtask of such a source, from its loading to its closing."""

    def __init__(self, subtask: Subtask, timestamped: bool) -> None:
        self._subtask = subtask
        self._timestamped = timestamped
        operator = subtask.task.head.operator
        self._function: Any
        self._run: Callable[[Process, Guard], Any]
        if isinstance(operator, plan.PythonSource):
            with self._reported("being loaded"):
                self._function = operator.function.load()
            method = operator.function.method
            run = getattr(self._function, method) if method else self._function
            self._run = lambda collect, guard: run(SourceContext(collect, *self._timed(collect, guard)))
        else:
            assert isinstance(operator, plan.SocketTextSource)
            self._function = _socket_reader(operator, subtask.configuration)
            self._run = lambda collect, guard: self._function.run(collect)

    def open(self) -> None:
        if is_rich(self._function):
            task = self._subtask.task
            with self._reported("being opened"):
                open_function(self._function, task.head.name, self._subtask, task.parallelism, KeyedStates(SOURCE))

    def run(self, guard: Guard) -> None:
        """Calls the function until it returns. What it collects goes through the chain as ``guard`` allows."""
        process = self._subtask.chain.process
        with self._reported("running"):
            self._run(guard((lambda record: process(record, None)) if self._timestamped else process), guard)

    def cancel(self) -> None:
        """Asks the function to return; from any thread."""
        if hasattr(self._function, "cancel"):
            self._function.cancel()

    def close(self) -> None:
        if is_rich(self._function):
            with self._reported("being closed"):
                self._function.close()

    def _reported(self, phase: str) -> Any:
        return OperatorError.around(self._subtask.task.head.id, phase)

    def _timed(self, collect: Process, guard: Guard) -> tuple[Callable[[Any, int], None], Callable[[int], None]]:
        """How records with a time are collected, and watermarks emitted."""
        if not self._timestamped:
            return lambda record, time: collect(record), lambda time: None
        chain = self._subtask.chain
        timed = guard(lambda pair: chain.process(*pair))
        return lambda record, time: timed((record, time)), guard(self._subtask.advance)


def _socket_reader(operator: plan.SocketTextSource, configuration: Configuration) -> SocketTextReader:
    from stream_engine.connectors.socket import SocketTextReader

    retries, interval = operator.max_retries, operator.retry_interval
    return SocketTextReader(
        operator.host,
        operator.port,
        operator.delimiter,
        configuration.get("source.socket.max-retries") if retries is None else retries,
        configuration.get("source.socket.retry-interval") if interval is None else interval,
    )
