"""Push sources: a user function, or the reader of a socket, whose ``run`` collects records."""

from __future__ import annotations

from contextlib import nullcontext, suppress
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
    from contextlib import AbstractContextManager

    from stream_engine.configuration import Configuration
    from stream_engine.connectors.socket import SocketTextReader
    from stream_engine.operators.snapshot import RestoredState
    from stream_engine.task.subtask import Subtask

    # A function of one argument, which takes it through the chain.
    Process = Callable[[Any], None]
    # Makes a Process that does the same, but only when it may.
    Guard = Callable[[Process], Process]
    # What a source holds (``with``) while its state does not say what it has collected.
    Lock = AbstractContextManager[Any]


@with_properties
class SourceContext:
    """What a SourceFunction's ``run`` is given: ``collect(record)`` takes the record through the whole chain.

    In jobs with event time, ``collect_with_timestamp(record, time)`` also gives it a time (ms), and
    ``emit_watermark(time)`` says that no record of that time or earlier will follow. In other jobs the times have no
    effect.
    """

    __slots__ = ("_idle", "_lock", "_watermark")

    collect: Callable[[Any], None]
    collect_with_timestamp: Callable[[Any, int], None]

    def __init__(self, watermark: Callable[[int], None], idle: Callable[[], None], lock: Lock) -> None:
        self._watermark = watermark
        self._idle = idle
        self._lock = lock

    def get_checkpoint_lock(self) -> Lock:
        """The lock that a source with state holds (``with``) while it collects a record and counts it in its state.

        Without it checkpoints wait for the next record: only when the source collects that is it certain that it has
        counted those before.
        """
        return self._lock

    getCheckpointLock = get_checkpoint_lock

    @property
    def collectWithTimestamp(self) -> Callable[[Any, int], None]:
        return self.collect_with_timestamp

    def emit_watermark(self, watermark: Any) -> None:
        """Takes a Watermark or its time in ms."""
        self._watermark(getattr(watermark, "timestamp", watermark))

    def mark_as_temporarily_idle(self) -> None:
        """Lets event time advance without this instance, until it emits a watermark again."""
        self._idle()

    emitWatermark = emit_watermark
    markAsTemporarilyIdle = mark_as_temporarily_idle

    @classmethod
    def with_methods(cls, **methods: Any) -> type[SourceContext]:
        """A class of its own for a source, as a method is called in half the time that a call of a field takes."""
        return type(cls.__name__, (cls,), {"__slots__": (), "__module__": cls.__module__, **methods})


class PushingFunction:
    """The function of one subtask of a push source, from its loading to its closing."""

    def __init__(self, subtask: Subtask, timestamped: bool) -> None:
        self._subtask = subtask
        self._timestamped = timestamped
        operator = subtask.task.head.operator
        self._function: Any
        self._run: Callable[[SourceContext], Any]
        if isinstance(operator, specs.PythonSource):
            with self._reported("being loaded"):
                self._function = operator.function.load()
            method = operator.function.method
            self._run = getattr(self._function, method) if method else self._function
        else:
            assert isinstance(operator, specs.SocketTextSource)
            self._function = _socket_reader(operator, subtask.configuration)
            self._run = lambda context: self._function.run(context.collect)
        self._accumulators = OwnAccumulators()
        self._state = FunctionState(self._function)
        self._opened = False

    def open(self) -> None:
        self._accumulators.open(self._subtask.accumulators)
        if is_rich(self._function):
            task = self._subtask.task
            with self._reported("being opened"):
                states = KeyedStates(SOURCE)
                open_function(
                    self._function, task.head.name, self._subtask, task.parallelism, states, self._accumulators
                )
        self._opened = True

    @property
    def has_state(self) -> bool:
        """Whether the function has state of its own, which says what it has collected."""
        return self._state.kept

    def snapshot(self) -> OperatorSnapshot:
        """What the function resumes with; it belongs to the head of the chain."""
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

    def run(self, guard: Guard, lock: Lock) -> None:
        """Calls the function until it returns. What it collects enters the chain as that or ``guard`` allows.

        While it holds ``lock``, its state may not say what it has collected.
        """
        entrances, process = self._subtask.chain.entrances, self._subtask.chain.process
        collect: Any = entrances.get("collect")
        if collect is None:
            collect = staticmethod(guard((lambda record: process(record, None)) if self._timestamped else process))
        timed, watermark, idle = self._timed(guard)
        context = SourceContext.with_methods(collect=collect, collect_with_timestamp=timed)
        with self._reported("running"):
            self._run(context(watermark, idle, lock))

    @property
    def cancels(self) -> bool:
        """Whether the function can be asked to return."""
        return hasattr(self._function, "cancel")

    def cancel(self) -> None:
        """Asks the function to return, if it can be; from any thread."""
        if self.cancels:
            with self._reported("being cancelled"):
                self._function.cancel()

    def close(self) -> None:
        """Closes a rich function; what it raises is left out if it could not be opened, as in ``Subtask.close``."""
        if is_rich(self._function):
            with nullcontext() if self._opened else suppress(OperatorError), self._reported("being closed"):
                self._function.close()

    def _reported(self, phase: str) -> Any:
        return OperatorError.around(self._subtask.task.head.id, phase)

    def _timed(self, guard: Guard) -> tuple[Any, Callable[[int], None], Callable[[], None]]:
        """The method that collects a record with a time; how watermarks are emitted, and the source said to be idle."""
        if not self._timestamped:
            return lambda self, record, time: self.collect(record), lambda time: None, lambda: None
        chain = self._subtask.chain
        timed: Any = chain.entrances.get("collect_with_timestamp")
        if timed is None:
            guarded = guard(lambda pair: chain.process(*pair))
            timed = lambda self, record, time: guarded((record, time))  # noqa: E731 - beside the one that is generated
        idle = guard(chain.watermarks.idle)
        head = self._subtask.task.head.id
        return timed, guard(self._subtask.advance), lambda: idle(head)


def _socket_reader(operator: specs.SocketTextSource, configuration: Configuration) -> SocketTextReader:
    from stream_engine.connectors.socket import SocketTextReader

    retries, interval = configuration.get(SOCKET_MAX_RETRIES), configuration.get(SOCKET_RETRY_INTERVAL)
    return SocketTextReader(operator.host, operator.port, "\n", retries, interval)
