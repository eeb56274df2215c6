"""Pull sources: readers that are asked for records; and what a checkpoint remembers of any source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from stream_engine.configuration.options import HOLD_WATERMARKS
from stream_engine.connectors.collection import CollectionReader
from stream_engine.connectors.sequence import SequenceReader
from stream_engine.connectors.text import TextReader
from stream_engine.graph import specs
from stream_engine.operators.snapshot import OperatorSnapshot, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream_engine.operators.snapshot import RestoredState
    from stream_engine.task.subtask import Subtask

_POSITION = "position"
# The kind of reader that the position is of.
_READER = "reader"
_OTHER_SOURCE = (
    "the state is that of another kind of source: give this one another uid(...) in the script, and leave that state "
    "behind with --allow-non-restored-state"
)


class Reader(Protocol):
    """A source that is asked for records: some, none for now (empty), or no more (None)."""

    def read(self, limit: int) -> Sequence[Any] | None: ...

    def close(self) -> None: ...

    def progress(self) -> tuple[int, int] | None:
        """How much has been read, and of how much, if that is known. Another thread may call it."""
        ...


@runtime_checkable
class StatefulSource(Protocol):
    """A source that has state to resume with; a Reader has a position instead, or nothing."""

    def snapshot(self, checkpoint: int) -> OperatorSnapshot: ...

    def restore(self, state: RestoredState) -> None: ...


def pull_source(subtask: Subtask, splits: dict[int, Any], wake: Callable[[], None]) -> Reader:
    """The reader of a subtask with a pull source that is not a client source.

    A source that returned nothing for now calls ``wake``, from any thread, when it has something again.
    """
    head = subtask.task.head
    operator = head.operator
    if isinstance(operator, specs.CollectionSource):
        return CollectionReader(operator.chunks, operator.size)
    if isinstance(operator, specs.SequenceSource):
        return SequenceReader(operator.start, operator.end, subtask.index, subtask.task.parallelism)
    if isinstance(operator, specs.KafkaSource):
        from stream_engine.task.kafka_source import KafkaSourceReader

        return KafkaSourceReader(subtask, wake)
    assert isinstance(operator, specs.TextFileSource)
    reader = TextReader(splits[head.id][subtask.index], operator.charset)
    if subtask.configuration.get(HOLD_WATERMARKS.key):
        # Until the last one, others are unread, which may begin with any time.
        reader.on_split = lambda last: subtask.hold_time(not last, waited_for=True)
    return reader


@runtime_checkable
class SettlingSource(Protocol):
    """A source that does something once the records that it has handed on are processed: it may advance event time."""

    def settle(self) -> None: ...


@runtime_checkable
class CommittingSource(Protocol):
    """A source that tells others where it has come to, once a checkpoint counts it."""

    def on_checkpoint_complete(self, checkpoint: int) -> None: ...


@runtime_checkable
class LaggingSource(Protocol):
    """A source without an end that knows how far it is behind."""

    def lag(self) -> int | None:
        """How many records there are to be read now; None: not known yet. May be called by another thread."""
        ...


def source_snapshot(source: Reader | StatefulSource, checkpoint: int) -> OperatorSnapshot:
    """What the source resumes with; empty for a source that cannot collect its records again."""
    if isinstance(source, StatefulSource):
        return source.snapshot(checkpoint)
    position = getattr(source, "position", None)
    if position is None:
        return OperatorSnapshot()
    return OperatorSnapshot(own={_POSITION: position(), _READER: type(source).__name__})


def restore_source(source: Any, state: RestoredState) -> None:
    """Lets a new source resume. Raises StateError if its input is no longer what it was."""
    former = {*state.own, *state.everyone}
    if isinstance(source, StatefulSource):
        if _POSITION in former:
            raise StateError(_OTHER_SOURCE)
        source.restore(state)
        return
    if former - {_POSITION, _READER} or any(kind != type(source).__name__ for kind in state.each(_READER)):
        raise StateError(_OTHER_SOURCE)
    try:
        if _POSITION in state.own:
            source.seek(state.own[_POSITION])
        elif _POSITION in state.everyone:
            source.take_share(state.everyone[_POSITION], state.index, state.width)
    except ValueError as error:
        raise StateError(str(error)) from error
