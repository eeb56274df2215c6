"""The sending side of an exchange, in one subtask."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.graph.partitioners import Broadcast, Forward
from stream_engine.operators.code import Count
from stream_engine.operators.partitioning import write_target
from stream_engine.wire.messages import Kind, packed, packed_time
from stream_engine.wire.records import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stream_engine.graph.job_graph import Exchange, Task
    from stream_engine.operators.code import Way
    from stream_engine.operators.ownership import Plainness
    from stream_engine.operators.writer import ChainWriter
    from stream_engine.task.loops import LoopMonitor
    from stream_engine.task.ready import Holder
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.connection import Connection
    from stream_engine.wire.messages import CheckpointOrder

# Bytes a frame should have: large enough that its fixed costs vanish, small enough to stay in the caches.
_FRAME_SIZE = 64 * 1024
_MOST_RECORDS = 4096
# Frames that a receiver may have before it has processed them: one in work, the others to hide the latency.
_CREDIT = 4


class WriterSlot(Protocol):
    """What such a writer asks of its worker's slot."""

    index: int
    buffer_timeout: int

    def hold(self, holder: Holder) -> None:
        """Lets ``holder`` be flushed in time."""
        ...

    def work_downstream(self, first: int | None) -> None:
        """Makes room where a receiver must catch up: processes input of task ``first`` and later."""
        ...


class ExchangeWriter:
    """Records for the subtasks of another task: a buffer for each that is remote, a plain call for the local one.

    Buffered records are sent as one frame when they are many, when the worker has nothing else to do, and after the
    buffer timeout. A frame needs a credit of its receiver's; while there is none, the worker does downstream work.
    """

    passes = False

    def __init__(
        self,
        slot: WriterSlot,
        exchange: Exchange,
        target: Task,
        local: Subtask | None,
        peers: Mapping[int, Connection],
        plainness: Plainness,
    ) -> None:
        width = target.parallelism
        self.exchange = exchange
        self.operator = exchange.source
        self._receiver = target.head.id
        self.selected = exchange.selected
        self.index = slot.index
        self._slot = slot
        # What is done when frames begin or cease to be sent without a credit; None: that is never done.
        self._on_overdrawn: Callable[[], None] | None = None
        self._width = width
        self._local = local
        self._peers = {} if isinstance(exchange.partitioner, Forward) else dict(peers)
        # A record that is fed back waits for its turn, or a chain would call itself for each round of the loop.
        self._has_local = slot.index < width
        self._feeds_back = exchange.feedback
        self.loop: LoopMonitor | None = None
        # The local receiver's functions get the record itself; a record that is buffered is copied if it can change.
        self.exposes = local is not None and not self._feeds_back and local.chain.exposes
        self._credit = dict.fromkeys(self._peers, _CREDIT)
        # Whether frames are sent without a credit, as a checkpoint is being taken; and whether some have been.
        self._unbounded = False
        self.overdrawn = False
        self._buffers: list[list[Any]] = [[] for _ in range(width)]
        self._plainness = plainness
        # How many records make a buffer full: 1 while all are empty, so that the first record is noticed. The generated
        # code finds it under a name of its own.
        self._limit = 1
        self._limit_name = ""
        self._namespace: dict[str, Any] = {}
        self._full = 1 if slot.buffer_timeout == 0 else 128
        # Sent in frames; and handed to the local receiver one by one, in these ways.
        self.records_out = self.bytes_out = 0
        self.handed = Count()
        self.ways: list[Way] = []

    # --- while the chain is compiled ---------------------------------------------------------------------------------

    def write(self, chain: ChainWriter, record: str) -> None:
        code, partitioner = chain.code, self.exchange.partitioner
        if isinstance(partitioner, Forward):
            self._write_local(chain, record)
            return
        if isinstance(partitioner, Broadcast):
            owned = self._owned(chain, record)
            for target in self._peers:
                self._write_append(chain, target, owned)
            if self._has_local:
                self._write_local(chain, record)
            return
        target = write_target(chain, record, partitioner, self._receiver, self._width, self.index)
        if not self._has_local:
            self._write_append(chain, target, self._owned(chain, record))
            return
        with code.block(f"if {target} == {self.index}:"):
            self._write_local(chain, record)
        with code.block("else:"):
            # If there is only one other, the code need not look for its buffer.
            other = next(iter(self._peers)) if len(self._peers) == 1 else target
            self._write_append(chain, other, self._owned(chain, record))

    def _owned(self, chain: ChainWriter, record: str) -> str:
        return chain.owned(record, self._plainness)

    def _write_local(self, chain: ChainWriter, record: str) -> None:
        if self._feeds_back:
            self._write_append(chain, self.index, chain.owned(record))
            return
        assert self._local is not None
        process = self._local.chain.process
        name = chain.code.bind("process", process)
        self.ways.append((partial(chain.code.namespace.__setitem__, name), process))
        chain.code.line(f"{name}({chain.with_time(record)})")
        chain.count(self.handed)

    def _write_append(self, chain: ChainWriter, target: str | int, record: str) -> None:
        """``target`` is the index of the receiver, or the variable that has it."""
        code = chain.code
        if isinstance(target, int):
            buffer = code.bind("buffer", self._buffers[target])
        else:
            buffer = code.fresh("buffer")
            code.line(f"{buffer} = {code.bind('buffers', self._buffers)}[{target}]")
        if not self._limit_name:
            # The chain writes each output more than once.
            self._namespace, self._limit_name = code.namespace, code.bind("limit", self._limit)
        code.line(f"{buffer}.append(({chain.with_time(record)}))")
        with code.block(f"if len({buffer}) >= {self._limit_name}:"):
            code.line(f"{code.bind('send', self._send_full)}({target})")

    # --- while records flow ------------------------------------------------------------------------------------------

    def connect(self, head: Subtask) -> None:
        """Connects a feedback edge with its local receiver, whose chain is made after the one that feeds it."""
        self._local = head

    def flush(self) -> None:
        """Sends what is buffered, full or not."""
        self._limit_to(1)
        for target, buffer in enumerate(self._buffers):
            if buffer:
                self._send(target)

    def mark(self, time: int) -> None:
        """Tells every receiver that all results before ``time`` (ms) have been sent."""
        self.flush()
        for peer in self._peers.values():
            peer.send(Kind.MARK, self.exchange.id, packed_time(time))
        if self._local is not None:
            self._local.on_mark(self.exchange.id, self.index, time)

    def watermark(self, time: int) -> None:
        """Tells every receiver that no record with a timestamp of ``time`` (ms) or earlier will come."""
        if self._feeds_back:
            return
        self.flush()
        for peer in self._peers.values():
            peer.send(Kind.WATERMARK, self.exchange.id, packed_time(time))
        if self._local is not None:
            self._local.on_watermark(self.exchange.id, self.index, time)

    def idle(self) -> None:
        """Tells every receiver not to wait for this sender's watermarks until it sends one again."""
        if self._feeds_back:
            return
        for peer in self._peers.values():
            peer.send(Kind.IDLE, self.exchange.id)
        if self._local is not None:
            self._local.on_idle(self.exchange.id, self.index)

    def end(self) -> None:
        """Tells every receiver that no further record will come."""
        # A feedback edge has none: this end has come because the loop has ended before.
        if not self._feeds_back:
            self.flush()
        for peer in self._peers.values():
            peer.send(Kind.END, self.exchange.id)
        if self._local is not None:
            self._local.on_end(self.exchange.id, self.index)

    @property
    def callee(self) -> Subtask | None:
        """The receiver that gets records at once, by a call."""
        return None if self._feeds_back else self._local

    def send_barrier(self, order: CheckpointOrder) -> None:
        """Tells the receivers in other workers that the checkpoint counts all that was sent so far."""
        for peer in self._peers.values():
            peer.send(Kind.BARRIER, self.exchange.id, packed(order))
        self._unbounded = not self._feeds_back and self._on_overdrawn is not None

    def hand_barrier(self, order: CheckpointOrder) -> None:
        """Tells the same to the receiver in this worker."""
        if self._local is not None:
            self._local.on_barrier(self.exchange.id, self.index, order)

    def overdraw(self, on_change: Callable[[], None]) -> None:
        """Lets frames after a barrier be sent without a credit; calls ``on_change`` when that begins or ends."""
        self._on_overdrawn = on_change

    def bound(self) -> None:
        """The checkpoint is over: each frame needs a credit again."""
        self._unbounded = self.overdrawn = False

    def grant(self, peer: int) -> None:
        """The receiver has processed a frame: one more may be sent."""
        self._credit[peer] += 1
        if self.overdrawn:
            self._weigh()

    def _send_full(self, target: int) -> None:
        """A buffer has reached the limit."""
        records = len(self._buffers[target])
        if self._limit != self._full:
            self._limit_to(self._full)
            # A loop whose records lay in buffers would never be found empty.
            if self._slot.buffer_timeout >= 0 or self.loop is not None:
                self._slot.hold(self)
            if records < self._full:
                return
        size = self._send(target)
        if size and self._slot.buffer_timeout:
            self._full = max(1, min(_MOST_RECORDS, records * _FRAME_SIZE // size))
            self._limit_to(self._full)

    def _limit_to(self, records: int) -> None:
        self._limit = self._namespace[self._limit_name] = records

    def _send(self, target: int) -> int:
        """Sends a buffer; returns the size of the frame in bytes, 0 when none was needed."""
        buffer = self._buffers[target]
        if target == self.index:
            assert self._local is not None
            self.records_out += len(buffer)
            self._local.feed_back(self.exchange.id, target, buffer.copy())
            buffer.clear()
            return 0
        payload = pack(buffer, self._plainness.kept)
        self.records_out += len(buffer)
        self.bytes_out += len(payload)
        # Cleared in place, as the generated code holds the list; and before any wait, which runs other code.
        buffer.clear()
        while self._credit[target] <= 0 and not self._unbounded:
            # The beginning of a loop is upstream, and takes what it is sent without processing it.
            self._slot.work_downstream(None if self._feeds_back else self.exchange.target_task)
        if self.loop is not None:
            self.loop.sent += 1
        self._credit[target] -= 1
        self._peers[target].send(Kind.DATA, self.exchange.id, payload)
        if self._unbounded:
            self._weigh()
        return len(payload)

    def _weigh(self) -> None:
        overdrawn = any(credit <= 0 for credit in self._credit.values())
        if overdrawn != self.overdrawn:
            self.overdrawn = overdrawn
            assert self._on_overdrawn is not None
            self._on_overdrawn()
