"""An exchange between subtasks that are all in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.graph.partitioners import Broadcast, Forward
from stream_engine.operators.partitioning import write_target
from stream_engine.wire.records import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.graph.job_graph import Exchange
    from stream_engine.local.inline.state import JobState
    from stream_engine.operators.writer import ChainWriter
    from stream_engine.task.subtask import Subtask


class InlineExchange:
    """Hands each record to its receiver at once; a record that is fed back is queued there.

    A record for a subtask of another index is pickled on its way, as it would be between workers. So a record that
    cannot be pickled, or changes by it, shows here as well.
    """

    passes = False
    callee = None

    def __init__(self, job: JobState, exchange: Exchange, index: int) -> None:
        self.operator = exchange.source
        self.selected = exchange.selected
        # The receiver's functions get the record itself, if they do not get a copy.
        self.exposes = not exchange.feedback
        self._job = job
        self._exchange = exchange
        self._index = index
        self._target = job.graph.tasks[exchange.target_task]

    # --- while the chain is compiled ---------------------------------------------------------------------------------

    def write(self, chain: ChainWriter, record: str) -> None:
        partitioner, width = self._exchange.partitioner, self._target.parallelism
        if isinstance(partitioner, Forward):
            self._write_to(chain, self._index, record)
        elif isinstance(partitioner, Broadcast):
            # Copied first: the function of one receiver may change what the others get.
            owned = chain.owned(record)
            for index in range(width):
                if index != self._index:
                    self._write_to(chain, index, owned)
            if self._index < width:
                self._write_to(chain, self._index, record)
        else:
            target = write_target(chain, record, partitioner, self._target.head.id, width, self._index)
            for index in range(width):
                with chain.code.block(f"{'elif' if index else 'if'} {target} == {index}:"):
                    self._write_to(chain, index, record)

    def _write_to(self, chain: ChainWriter, index: int, record: str) -> None:
        code = chain.code
        if index != self._index:
            copied = code.fresh("copied")
            code.line(f"{copied} = {code.bind('copy', _sent)}({record})")
            record = copied
        elif self._exchange.feedback:
            record = chain.owned(record)
        if self._exchange.feedback:
            # Its subtask is made after this chain.
            exchange = self._exchange.id
            feed_back = code.bind(
                "feed_back", lambda record: self._receiver(index).feed_back(exchange, self._index, [record])
            )
            code.line(f"{feed_back}(({chain.with_time(record)}))")
        else:
            process = code.bind("process", self._receiver(index).chain.process)
            code.line(f"{process}({chain.with_time(record)})")

    # --- while records flow ------------------------------------------------------------------------------------------

    def mark(self, time: int) -> None:
        for receiver in self._receivers():
            receiver.on_mark(self._exchange.id, self._index, time)

    def watermark(self, time: int) -> None:
        for receiver in self._receivers():
            receiver.on_watermark(self._exchange.id, self._index, time)

    def idle(self) -> None:
        for receiver in self._receivers():
            receiver.on_idle(self._exchange.id, self._index)

    def end(self) -> None:
        for receiver in self._receivers():
            receiver.on_end(self._exchange.id, self._index)

    def _receivers(self) -> Iterator[Subtask]:
        """The receivers of marks, watermarks and ends; a feedback edge has none."""
        if self._exchange.feedback:
            return
        forward = isinstance(self._exchange.partitioner, Forward)
        for index in (self._index,) if forward else range(self._target.parallelism):
            self._job.index = index
            yield self._receiver(index)

    def _receiver(self, index: int) -> Subtask:
        return self._job.subtasks[self._target.id, index]


def _sent(record: Any) -> Any:
    """The record as another worker would get it. Raises TypeError if it cannot be pickled."""
    return unpack(pack([record]))[0]
