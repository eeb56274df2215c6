"""Sinks: lines for the console or a file, bytes for a socket, records for a user function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.graph.specs import ConsoleSink, TextFileSink
from stream_engine.operators.operator import FunctionOperator, Operator
from stream_engine.report import shortened
from stream_engine.utf8 import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import FunctionSink, SocketSink
    from stream_engine.operators.code import Code
    from stream_engine.operators.operator import Host, Writer
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.writer import ChainWriter

# Names in a text sink's snapshot: the path of its output, its file's size, and the sizes of files without a writer.
_PATH, _POSITION, _OTHERS = "path", "position", "others"
# Enough to make a write's fixed cost small per line, few enough to be a fraction of a MB.
_LINES = 1024
_NO_WATERMARK = -(2**63)
# How long lines may wait in the buffer of a file, in ms.
_LONGEST_WAIT = 1000


class WrittenFiles(NamedTuple):
    """A text output in a checkpoint: the ``sizes`` (bytes) of its files by the index of their writer (from 0).

    ``path`` is absolute and without links; None in checkpoints of versions that did not store it.
    """

    path: str | None
    sizes: dict[int, int]


def written_files(
    paths: Iterable[str], positions: Mapping[int, int], others: Iterable[Mapping[int, int]]
) -> WrittenFiles | None:
    """The files in the snapshots of a sink's subtasks; None if the sink writes no files."""
    # If it is no size, it is the state of another kind of operator.
    sizes = {index: size for index, size in positions.items() if isinstance(size, int)}
    for each in others:
        sizes.update(each)
    return WrittenFiles(next(iter(paths), None), sizes) if sizes else None


def written_files_in(snapshots: Mapping[int, OperatorSnapshot]) -> WrittenFiles | None:
    """The same, from snapshots by the index of their subtasks."""
    own = {index: snapshot.own for index, snapshot in snapshots.items()}
    return written_files(
        (each[_PATH] for each in own.values() if _PATH in each),
        {index: each[_POSITION] for index, each in own.items() if _POSITION in each},
        (each[_OTHERS] for each in own.values() if _OTHERS in each),
    )


class _Batch:
    """What a sink hands on together: when there is much, and when its host asks, which it does of those that hold some.

    Generated code compares with the limit under a name of its own: 1 while nothing is held, so that the first is seen.
    """

    def __init__(self, hand_on: Callable[[], None]) -> None:
        self._held: list[Any] = []
        self._hand_on = hand_on
        self._host: Host | None = None
        self._namespace: dict[str, Any] = {}
        self._limit = ""

    def open(self, host: Host) -> None:
        self._host = host

    def write(self, code: Code, operator: int, item: str, role: str = "engine") -> None:
        """Writes that the value of ``item`` is added, an expression that is evaluated in ``role``."""
        held = code.bind("held", self._held)
        if not self._limit:
            # The chain writes each operator more than once.
            self._namespace, self._limit = code.namespace, code.bind("limit", 1)
        code.line(f"{held}.append({item})", role)
        # It is not this record that writing fails with.
        with code.operator(operator, None), code.block(f"if len({held}) >= {self._limit}:"):
            code.line(f"{code.bind('reach', self._reach)}()")

    def _reach(self) -> None:
        if len(self._held) >= _LINES:
            self._hand_on()
            return
        self._namespace[self._limit] = _LINES
        assert self._host is not None
        self._host.hold()

    def take(self) -> list[Any]:
        """What is held; afterwards nothing is."""
        held = self._held[:]
        self._held.clear()
        self._namespace[self._limit] = 1
        return held


class LineOperator(Operator):
    """``str(record)`` as a line. Lines are handed on in batches."""

    def __init__(self, identifier: int, name: str, sink: ConsoleSink | TextFileSink, index: int, width: int) -> None:
        super().__init__(identifier, name)
        self._sink = sink
        self._prefix = _prefix(sink, index, width) if isinstance(sink, ConsoleSink) else ""
        self._lines = _Batch(self.flush)
        # Part files become visible when a checkpoint that counts them completes.
        self.commits = isinstance(sink, TextFileSink) and sink.parts
        # Where its writer was at each checkpoint that is being taken, by number.
        self._taken: dict[int, int] = {}
        self._writer: Writer | None = None
        # Whether a timer will write out what its writer holds.
        self._timed = False
        self._positions: dict[int, int] | None = None
        # Only in the first subtask: the sizes of files whose writers an earlier run had, and this one does not.
        self._others: dict[int, int] = {}

    def write(self, chain: ChainWriter, record: str) -> None:
        prefix = chain.code.bind("prefix", self._prefix)
        text = f'f"{{{prefix}}}{{{record}!s}}"' if self._prefix else f"str({record})"
        self._lines.write(chain.code, self.id, text, "function")

    def open(self, host: Host, parallelism: int) -> None:
        self._host = host
        self._lines.open(host)
        self._writer = host.writer(self._sink, parallelism, self._positions)

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        self.flush()
        position = None if self._writer is None else self._writer.position()
        if position is not None and isinstance(self._sink, TextFileSink):
            snapshot.own[_POSITION] = position
            if self.commits:
                self._taken[checkpoint] = position
            snapshot.own[_PATH] = self._sink.path
            if self._others:
                snapshot.own[_OTHERS] = self._others
        return snapshot

    def restore(self, state: RestoredState) -> None:
        positions = dict(enumerate(state.everyone.get(_POSITION, ())))
        if _POSITION in state.own:
            positions = {state.index: state.own[_POSITION]}
        written = written_files(state.each(_PATH), positions, state.each(_OTHERS))
        # Files at another path stay as they are. The script's process has allowed that only if the user asked for it.
        if written is None or not isinstance(self._sink, TextFileSink) or written.path not in (None, self._sink.path):
            return
        if state.index == 0:
            self._others = {index: size for index, size in written.sizes.items() if index >= state.width}
        self._positions = dict(self._others)
        if state.index in written.sizes:
            self._positions[state.index] = written.sizes[state.index]

    def on_checkpoint_complete(self, checkpoint: int) -> None:
        if self._writer is not None and checkpoint in self._taken:
            self._writer.complete(self._taken[checkpoint])
        self._taken = {number: position for number, position in self._taken.items() if number > checkpoint}

    def commit(self) -> None:
        self.flush()
        position = None if self._writer is None else self._writer.position()
        if self._writer is not None and position is not None:
            self._writer.complete(position)

    def flush(self) -> None:
        lines = self._lines.take()
        if lines and self._writer is not None:
            self.written.add(len(lines))
            self._writer.write(lines)
            if self._writer.buffers and not self._timed:
                self._timed = True
                self._host.schedule(self._host.now() + _LONGEST_WAIT, self._write_out)

    def _write_out(self) -> None:
        """Lines have waited long enough: writes them to the file, where they outlive this process."""
        self._timed = False
        self.flush()
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        if self._writer is not None:
            self.flush()
            self._writer.close()


class SinkContext:
    """The context of ``invoke(record, context)``: the times of the record and of the sink, in ms since the epoch."""

    __slots__ = ("now", "time", "watermark")

    now: Callable[[], int]

    def __init__(self) -> None:
        self.time: int | None = None
        self.watermark = _NO_WATERMARK

    def timestamp(self) -> int | None:
        """The record's event time; None if it has none."""
        return self.time

    def current_processing_time(self) -> int:
        return self.now()

    def current_watermark(self) -> int:
        """The event time of the sink; the least 64-bit integer before there is any, as in Flink."""
        return self.watermark

    currentProcessingTime = current_processing_time
    currentWatermark = current_watermark


class FunctionSinkOperator(FunctionOperator):
    """Calls ``invoke(record)``, or ``invoke(record, context)`` if the function also takes a SinkContext."""

    def __init__(self, identifier: int, name: str, sink: FunctionSink, key: UserFunction | None) -> None:
        super().__init__(identifier, name, sink.function, key)
        self._context = SinkContext() if sink.takes_context else None

    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        arguments = record
        if self._context is not None:
            context = chain.code.bind("context", self._context)
            arguments = f"{record}, {context}"
            if chain.timestamped:
                chain.code.line(f"{context}.time = {chain.time}")
        invoke = chain.code.bind("invoke", self.call)
        chain.code.line(f"{invoke}({arguments})", "function")
        self.writes_all = chain.comes_as_it_is(self.id)
        if not self.writes_all:
            chain.count(self.written)

    def open(self, host: Host, parallelism: int) -> None:
        if self._context is not None:
            self._context.now = host.now
        super().open(host, parallelism)

    def on_watermark(self, time: int) -> None:
        if self._context is not None:
            self._context.watermark = time


class SocketOperator(FunctionOperator):
    """Sends the bytes that a schema makes of each record; a str goes as utf-8, see ``utf8.encode``."""

    def __init__(self, identifier: int, name: str, sink: SocketSink, key: UserFunction | None) -> None:
        super().__init__(identifier, name, sink.schema, key)
        self._sink = sink
        self._batch = _Batch(self.flush)
        self._writer: Writer | None = None

    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        data = code.fresh("data")
        code.line(f"{data} = {code.bind('serialize', self.call)}({record})", "function")
        # Converted here, where an error still belongs to the record. The schema can change neither str nor bytes later.
        with code.block(f"if {data}.__class__ is not str and {data}.__class__ is not bytes:"):
            code.line(f"{data} = {code.bind('bytes_of', self._bytes_of)}({data})")
        self._batch.write(code, self.id, data)

    def _bytes_of(self, data: Any) -> bytes:
        if isinstance(data, str):
            return encode(data)  # It is of a subclass.
        try:
            return memoryview(data).tobytes()
        except TypeError:
            what = f"{shortened(data)}, of type {type(data).__name__}"
            raise TypeError(
                f"{self._sink.schema.label} has returned {what}: a schema for write_to_socket() returns str or bytes"
            ) from None

    def open(self, host: Host, parallelism: int) -> None:
        super().open(host, parallelism)
        self._batch.open(host)
        self._writer = host.writer(self._sink, parallelism)

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        # What was sent cannot be taken back, but nothing that a checkpoint counts may stay unsent here.
        self.flush()
        return super().snapshot(checkpoint)

    def flush(self) -> None:
        data = self._batch.take()
        if data and self._writer is not None:
            self.written.add(len(data))
            self._writer.write(data)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        super().close()


def _prefix(sink: ConsoleSink, index: int, width: int) -> str:
    subtask = str(index + 1) if width > 1 else ""
    parts = [part for part in (sink.identifier, subtask) if part]
    return f"{':'.join(parts)}> " if parts else ""
