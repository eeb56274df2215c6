"""The sending side of an exchange in a subtask that Flink hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.flink.elements import Emission, Envelope, pack_elements
from stream_engine.graph.partitioners import Broadcast, Forward
from stream_engine.operators.partitioning import write_target
from stream_engine.wire.messages import Kind, packed_time
from stream_engine.wire.records import pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.graph.job_graph import Exchange, Task
    from stream_engine.operators.ownership import Plainness
    from stream_engine.operators.writer import ChainWriter

# As the frames of the embedded engine.
_FRAME_SIZE = 64 * 1024
_MOST_RECORDS = 4096


class FlinkExchange:
    """Records for the subtasks of another task: a buffer for each, then frames, then one element with all of those.

    Flink holds the sender back when the receiver is slow, so nothing here counts credits.
    """

    passes = False
    callee = None
    # Every record is pickled on its way.
    exposes = False

    def __init__(self, index: int, exchange: Exchange, target: Task, plainness: Plainness) -> None:
        self.id = exchange.id
        self.operator = exchange.source
        self.selected = exchange.selected
        self._partitioner = exchange.partitioner
        self._receiver = target.head.id
        self._index = index
        self._width = target.parallelism
        self._plainness = plainness
        self.limit = 128
        self._buffers: list[list[Any]] = [[] for _ in range(self._width)]
        self._frames: list[list[Envelope]] = [[] for _ in range(self._width)]
        # Of all frames that wait, in bytes.
        self.waiting = 0
        self.records_out = self.bytes_out = 0

    # --- while the chain is compiled ---------------------------------------------------------------------------------

    def write(self, chain: ChainWriter, record: str) -> None:
        if isinstance(self._partitioner, Forward):
            targets = [repr(self._index)]
        elif isinstance(self._partitioner, Broadcast):
            targets = [repr(index) for index in range(self._width)]
        else:
            targets = [
                write_target(chain, record, self._partitioner, self._receiver, self._width, self._index, stable=True)
            ]
        owned = chain.owned(record, self._plainness)
        for target in targets:
            self._write_append(chain, target, owned)

    def _write_append(self, chain: ChainWriter, target: str, record: str) -> None:
        code = chain.code
        buffer = code.fresh("buffer")
        code.line(f"{buffer} = {code.bind('buffers', self._buffers)}[{target}]")
        code.line(f"{buffer}.append(({chain.with_time(record)}))")
        with code.block(f"if len({buffer}) >= {code.bind('exchange', self)}.limit:"):
            code.line(f"{code.bind('send', self._send_full)}({target})")

    # --- while records flow ------------------------------------------------------------------------------------------

    def mark(self, time: int) -> None:
        """All that was emitted before ``time`` (ms) has been sent: tells every receiver."""
        self._tell(Kind.MARK, packed_time(time))

    def watermark(self, time: int) -> None:
        """No record with a timestamp of ``time`` (ms) or earlier will come any more."""
        self._tell(Kind.WATERMARK, packed_time(time))

    def idle(self) -> None:
        """The watermarks of this sender are not to be waited for, until there is one again."""
        self._tell(Kind.IDLE)

    def end(self) -> None:
        """No further record will come."""
        self._tell(Kind.END)

    def flush(self) -> None:
        """Makes frames of what is buffered, full or not."""
        for target, buffer in enumerate(self._buffers):
            if buffer:
                self._send(target)

    def emissions(self) -> Iterator[Emission]:
        """Hands out the frames that wait, in elements for each receiver that has some."""
        self.waiting = 0
        for target, frames in enumerate(self._frames):
            if frames:
                waiting = frames.copy()
                frames.clear()
                for element in pack_elements(waiting):
                    yield Emission(self.id, target, element)

    def _tell(self, kind: Kind, payload: bytes = b"") -> None:
        self.flush()
        forward = isinstance(self._partitioner, Forward)
        for target in (self._index,) if forward else range(self._width):
            self._put(target, kind, payload)

    def _send_full(self, target: int) -> None:
        records = len(self._buffers[target])
        self.limit = max(1, min(_MOST_RECORDS, records * _FRAME_SIZE // self._send(target)))

    def _send(self, target: int) -> int:
        """Makes a frame of a buffer; gives its size in bytes."""
        buffer = self._buffers[target]
        payload = pack(buffer, self._plainness.kept)
        self.records_out += len(buffer)
        self.bytes_out += len(payload)
        # In place, as the generated code may be holding on to the list.
        buffer.clear()
        self._put(target, Kind.DATA, payload)
        return len(payload)

    def _put(self, target: int, kind: Kind, payload: bytes) -> None:
        self._frames[target].append(Envelope(kind, self.id, self._index, payload))
        self.waiting += len(payload)
