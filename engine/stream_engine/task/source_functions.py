"""Sources that push: a function of the user's, or the reader of a socket, whose ``run`` collects records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.beans import with_properties
from stream_engine.configuration.options import SOCKET_MAX_RETRIES, SOCKET_RETRY_INTERVAL
from stream_engine.graph import specs
from stream_engine.operators.accumulators import OwnAccumulators
from stream_engine.operators.context import is_rich, open_function
from stream_engine.operators.function_state import FunctionState
from stream_engine.operators.snapshot import OperatorSnapshot
from stream_engine.operators.state import SOURCE, KeyedStates
from stream_engine.task.failure import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration
    from stream_engine.connectors.socket import SocketTextReader
    from stream_engine.operators.snapshot import RestoredState
    from stream_engine.task.safepoint import SafePoint
    from stream_engine.task.subtask import Subtask

    # A function of one argument, which takes something through the chain.
    Process = Callable[[Any], None]
    # Makes of it one that does the same, when it may.
    Guard = Callable[[Process], Process]


@with_properties
class SourceContext:
    """What a SourceFunction's ``run`` is given: ``collect(record)`` takes the record through the whole chain.

    In jobs with event time, ``collect_with_timestamp(record, time)`` also gives it a time (ms), and
    ``emit_watermark(time)`` says that none of that time or earlier will follow; in others both say no more than
    ``collect``.
    """

    __slots__ = ("_idle", "_rest", "_watermark", "collect", "collect_with_timestamp")

    def __init__(
        self,
        collect: Callable[[Any], None],
        collect_with_timestamp: Callable[[Any, int], None],
        watermark: Callable[[int], None],
        idle: Callable[[], None],
        rest: SafePoint,
    ) -> None:
        self.collect = collect
        self.collect_with_timestamp = collect_with_timestamp
        self._watermark = watermark
        self._idle = idle
        self._rest = rest

    def get_checkpoint_lock(self) -> SafePoint:
        """To be held (``with``) by a source that has state, from collecting a record to counting it there.

        Without it checkpoints wait for the next record: only when that is about to be collected is it certain that
        those before are counted.
        """
        return self._rest

    getCheckpointLock = get_checkpoint_lock

    @property
    def collectWithTimestamp(self) -> Callable[[Any, int], None]:
        return self.collect_with_timestamp

    def emit_watermark(self, watermark: Any) -> None:
        """Takes a Watermark or its time in ms."""
        self._watermark(getattr(watermark, "timestamp", watermark))

    def mark_as_temporarily_idle(self) -> None:
        """Lets the event time of other sources and instances go on without this one, until it has a watermark again."""
        self._idle()

    emitWatermark = emit_watermark
    markAsTemporarilyIdle = mark_as_temporarily_idle


class PushingFunction:
    """The function of one subtask of such a source, from its loading to its closing."""

    def __init__(self, subtask: Subtask, timestamped: bool) -> None:
        self._subtask = subtask
        self._timestamped = timestamped
        operator = subtask.task.head.operator
        self._function: Any
        self._run: Callable[[Process, Guard, SafePoint], Any]
        if isinstance(operator, specs.PythonSource):
            with self._reported("being loaded"):
                self._function = operator.function.load()
            method = operator.function.method
            run = getattr(self._function, method) if method else self._function
            self._run = lambda collect, guard, rest: run(SourceContext(collect, *self._timed(collect, guard), rest))
        else:
            assert isinstance(operator, specs.SocketTextSource)
            self._function = _socket_reader(operator, subtask.configuration)
            self._run = lambda collect, guard, rest: self._function.run(collect)
        self._accumulators = OwnAccumulators()
        self._state = FunctionState(self._function)

    def open(self) -> None:
        self._accumulators.open(self._subtask.accumulators)
        if is_rich(self._function):
            task = self._subtask.task
            with self._reported("being opened"):
                states = KeyedStates(SOURCE)
                open_function(
                    self._function, task.head.name, self._subtask, task.parallelism, states, self._accumulators
                )

    @property
    def has_state(self) -> bool:
        """Whether the function has state of its own, which says what it has collected."""
        return self._state.kept

    def snapshot(self) -> OperatorSnapshot:
        """What the function goes on with; it belongs to the head of the chain."""
        snapshot = OperatorSnapshot()
        with self._reported("asked for its state"):
            self._accumulators.snapshot(snapshot)
            self._state.snapshot(snapshot)
        return snapshot

    def restore(self, state: RestoredState) -> None:
        """Called before ``open``."""
        with self._reported("given its state back"):
            self._accumulators.restore(state)
            self._state.restore(state)

    def run(self, guard: Guard, rest: SafePoint) -> None:
        """Calls the function until it returns. What it collects goes through the chain as that, or ``guard``, allows.

        ``rest`` is told when its state says what it has collected.
        """
        chain = self._subtask.chain
        collect = chain.collect
        if collect is None:
            collect = guard((lambda record: chain.process(record, None)) if self._timestamped else chain.process)
        with self._reported("running"):
            self._run(collect, guard, rest)

    def cancel(self) -> None:
        """Asks the function to return; from any thread."""
        if hasattr(self._function, "cancel"):
            with self._reported("being cancelled"):
                self._function.cancel()

    def close(self) -> None:
        if is_rich(self._function):
            with self._reported("being closed"):
                self._function.close()

    def _reported(self, phase: str) -> Any:
        return OperatorError.around(self._subtask.task.head.id, phase)

    def _timed(
        self, collect: Process, guard: Guard
    ) -> tuple[Callable[[Any, int], None], Callable[[int], None], Callable[[], None]]:
        """How records with a time are collected, watermarks emitted, and the source said to be idle."""
        if not self._timestamped:
            return lambda record, time: collect(record), lambda time: None, lambda: None
        chain = self._subtask.chain
        timed = chain.collect_with_timestamp
        if timed is None:
            guarded = guard(lambda pair: chain.process(*pair))
            timed = lambda record, time: guarded((record, time))  # noqa: E731 - beside the one that is generated
        idle = guard(chain.watermarks.idle)
        head = self._subtask.task.head.id
        return timed, guard(self._subtask.advance), lambda: idle(head)


def _socket_reader(operator: specs.SocketTextSource, configuration: Configuration) -> SocketTextReader:
    from stream_engine.connectors.socket import SocketTextReader

    retries, interval = operator.max_retries, operator.retry_interval
    return SocketTextReader(
        operator.host,
        operator.port,
        operator.delimiter,
        configuration.get(SOCKET_MAX_RETRIES) if retries is None else retries,
        configuration.get(SOCKET_RETRY_INTERVAL) if interval is None else interval,
    )
