"""One parallel instance of a task, in its worker: its chain, its inputs, and its life from open to close."""

from __future__ import annotations

from collections import deque
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.graph.job_graph import has_event_windows
from stream_engine.graph.operators import IterationHead
from stream_engine.graph.partitioners import Forward
from stream_engine.local import logs
from stream_engine.local.connection import CREDIT, DATA, IDLE, MARK, WATERMARK
from stream_engine.local.failure import OperatorError
from stream_engine.local.feedback import FeedbackQueue
from stream_engine.local.gate import unpack
from stream_engine.operators.build import build_operator
from stream_engine.operators.chain import Chain, Output
from stream_engine.operators.context import Place
from stream_engine.operators.watermarks import MAX_WATERMARK
from stream_engine.operators.windows import MergeWindowsOperator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.operators import Sink
    from stream_engine.local.connection import Connection, Frame
    from stream_engine.operators.operator import Writer
    from stream_engine.operators.tables import Tables

# A turn between two looks at sockets, timers and signals should take about this long, in seconds.
_SHORT, _LONG = 0.002, 0.008


class Pace:
    """How many records to process in one turn: few when each takes long, so that the worker stays responsive."""

    def __init__(self) -> None:
        self.records = 16

    def run(self, process_batch: Callable[[Any], None], records: Sequence[Any]) -> None:
        start = perf_counter()
        process_batch(records)
        elapsed = perf_counter() - start
        if elapsed > _LONG:
            self.records = max(1, self.records // 4)
        elif elapsed < _SHORT and len(records) >= self.records:
            self.records = min(8192, self.records * 2)


class Exit(Output, Protocol):
    """Where records leave a subtask for those of another task."""

    def end(self) -> None:
        """Tells all receivers that no further record will come."""
        ...


class Slot(Place, Protocol):
    """What a subtask asks of the worker that it is in. Times are ms since the epoch."""

    # For the loops' records on their way back: bytes of memory, and where the rest goes, None: the system's choice.
    feedback_space: tuple[int, str | None]
    # Where operators keep what they have for each key.
    tables: Tables

    @property
    def now(self) -> int: ...

    @property
    def peers(self) -> Mapping[int, Connection]: ...

    def gates(self, task: Task) -> Sequence[Exit]:
        """Where the records of the subtask leave it."""
        ...

    def schedule(self, time: int, subtask: Subtask, action: Callable[[], None]) -> None:
        """Calls ``action`` at ``time``, unless ``subtask`` has finished by then."""
        ...

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        """Opens what is behind a sink. Raises OSError."""
        ...


class Subtask:
    """Runs a chain in a worker, as its operators' host."""

    def __init__(self, worker: Slot, graph: JobGraph, task: Task) -> None:
        self.task = task
        self.index = worker.index
        self.configuration = worker.configuration
        self.accumulators = worker.accumulators
        self.worker = worker
        self.finished = False
        self.pace = Pace()
        self._opened = False
        self._queue: deque[tuple[int, Frame]] = deque()
        self._records: list[Any] = []
        self._position = 0
        self._from_loop = False
        self.gates = worker.gates(task)
        loop = graph.loop_of(task.id)
        channels = {
            (exchange.id, sender): exchange.source_task not in loop
            for exchange in graph.inputs(task.id)
            if not exchange.feedback
            for sender in (
                (self.index,)
                if isinstance(exchange.partitioner, Forward)
                else range(graph.tasks[exchange.source_task].parallelism)
            )
        }
        # A loop counts as one more input of its head, which ends when the loop is found to be empty.
        self._is_head = isinstance(task.head.operator, IterationHead)
        self._unfinished_inputs = len(channels) + self._is_head
        self._outside = {exchange for (exchange, _), outside in channels.items() if outside}
        # How many channels from outside its loop have not ended; of no meaning to a subtask in none.
        self.outside_inputs = sum(channels.values())
        self._fed_back = FeedbackQueue(*worker.feedback_space) if self._is_head else None
        self._marks: dict[tuple[int, int], float] = dict.fromkeys(channels, -inf)
        self._timestamped = graph.timestamped
        # The event time of each channel that is neither idle nor at its end, and of the subtask.
        self._watermarks: dict[tuple[int, int], float] = dict.fromkeys(channels, -inf)
        self._watermark = -inf
        self._looping = graph.looping(task.id)
        # Time ends where the input does, in a loop when that is empty. But windows inside fire only when it does.
        inside = set[int]().union(*map(graph.looping, loop))
        nodes = (node for each in loop for node in graph.tasks[each].operators if node.id in inside)
        self._ends_time = self._is_head and any(map(has_event_windows, nodes))
        operators = []
        for node in task.operators:
            with OperatorError.around(node.id, "being loaded"):
                operators.append(build_operator(node, self.index, task.parallelism, worker.tables))
        self.chain = Chain(
            task, operators, self.gates, worker.configuration.get("pipeline.object-reuse"), graph.timestamped
        )

    # --- the operators' host -----------------------------------------------------------------------------------------

    def now(self) -> int:
        return self.worker.now

    def schedule(self, time: int, action: Callable[[], None]) -> None:
        self.worker.schedule(time, self, action)

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        return self.worker.writer(sink, parallelism, positions)

    # --- input -------------------------------------------------------------------------------------------------------

    @property
    def has_input(self) -> bool:
        return bool(self._records or self._queue or self._fed_back)

    @property
    def pending(self) -> bool:
        """Whether the loop will get records of what its operators here hold when time passes, without a further one."""
        return any(operator.pending for operator in self.chain.operators if operator.id in self._looping)

    def receive(self, sender: int, frame: Frame) -> None:
        """Queues a frame of another worker's; it is worked off by ``work``."""
        self._queue.append((sender, frame))

    def feed_back(self, records: list[Any]) -> None:
        """Takes records from the end of the loop that begins here.

        After the loop has ended there are some only where the script has bounded the wait for windows in it.
        """
        assert self._fed_back is not None
        if not self.finished:
            self._fed_back.put(records)

    def work(self) -> None:
        """Works off some of the input: a slice of a frame's records, or one frame of another kind."""
        if not self._records and self._fed_back:
            # What is in the loop first, so that little is.
            self._records, self._from_loop = self._fed_back.get(), True
        if not self._records:
            sender, frame = self._queue[0]
            if frame.kind != DATA:
                self._queue.popleft()
                if frame.kind == MARK:
                    self.on_mark(frame.exchange, sender, int.from_bytes(frame.payload, "little", signed=True))
                elif frame.kind == WATERMARK:
                    self.on_watermark(frame.exchange, sender, int.from_bytes(frame.payload, "little", signed=True))
                elif frame.kind == IDLE:
                    self.on_idle(frame.exchange, sender)
                else:
                    self.on_end(frame.exchange, sender)
                return
            self._records, self._from_loop = unpack(frame.payload), False
        records, start = self._records, self._position
        stop = start + self.pace.records
        if stop < len(records):
            self._position = stop
            self.pace.run(self.chain.process_batch, records[start:stop])
            return
        # Forgotten first: what follows may come back here, when it waits for a receiver downstream.
        self._records, self._position = [], 0
        if self._from_loop:
            self.pace.run(self.chain.process_batch, records[start:])
            return
        sender, frame = self._queue.popleft()
        self.pace.run(self.chain.process_batch, records[start:] if start else records)
        self.worker.peers[sender].send(CREDIT, frame.exchange)

    def on_mark(self, exchange: int, sender: int, time: float) -> None:
        """A sender has emitted all its results before ``time``; what is complete by all senders' marks is emitted."""
        self._marks[exchange, sender] = time
        head = self.chain.operators[0]
        if isinstance(head, MergeWindowsOperator):
            head.advance(min(self._marks.values()))

    def on_end(self, exchange: int, sender: int) -> None:
        """One of an input's channels has ended; with the last one of all, the subtask does."""
        self.outside_inputs -= exchange in self._outside
        if self._unfinished_inputs > 1:
            # Time goes on without it.
            self.on_mark(exchange, sender, inf)
            self._watermarks.pop((exchange, sender), None)
            self._advance()
            if self._ends_time and exchange in self._outside and not self.outside_inputs:
                self.advance(MAX_WATERMARK)
        self._count_end()

    def on_watermark(self, exchange: int, sender: int, time: int) -> None:
        """A channel's event time has come to ``time``; the subtask's is that of its slowest channel."""
        self._watermarks[exchange, sender] = time
        self._advance()

    def on_idle(self, exchange: int, sender: int) -> None:
        """A channel's event time is not to be waited for until it has one again."""
        self._watermarks.pop((exchange, sender), None)
        if self._watermarks:
            self._advance()
        else:
            self.chain.watermarks.idle(self.task.head.id)

    def advance(self, time: float) -> None:
        """The subtask's event time has come to ``time`` (ms); it never goes back."""
        if time > self._watermark:
            self._watermark = time
            self.chain.watermarks.enter(int(time))

    def _advance(self) -> None:
        self.advance(min(self._watermarks.values(), default=-inf))

    def process_source(self, records: Sequence[Any]) -> None:
        """Takes records of a pulled source through the chain."""
        self.pace.run(
            self.chain.process_batch, [(record, None) for record in records] if self._timestamped else records
        )

    def on_loop_end(self) -> None:
        """The loop that this subtask is in has no more records."""
        if self._is_head:
            self._count_end()

    def _count_end(self) -> None:
        self._unfinished_inputs -= 1
        if not self._unfinished_inputs:
            self.finish()

    # --- life --------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        self._opened = True
        logs.debug("is being opened")
        for operator in reversed(self.chain.operators):
            with OperatorError.around(operator.id, "being opened"):
                operator.open(self, self.task.parallelism)

    def finish(self) -> None:
        """All input has been processed: emits the last results, and tells the receivers that these were the last."""
        self.chain.finish()
        self.finished = True
        logs.debug("has finished")
        self.close()
        for gate in self.gates:
            gate.end()

    def close(self) -> None:
        """Closes the operators, once, if they were opened; all of them, even when one raises."""
        if self._opened:
            self._opened = False
            failure: Exception | None = None
            if self._fed_back is not None:
                self._fed_back.close()
            for operator in self.chain.operators:
                try:
                    with OperatorError.around(operator.id, "being closed"):
                        operator.close()
                except OperatorError as error:
                    failure = failure or error
            if failure is not None:
                raise failure
