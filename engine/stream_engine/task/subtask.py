"""One parallel instance of a task, in any host: its chain, its inputs, and its life from open to close."""

from __future__ import annotations

from collections import deque
from math import inf
from threading import Event
from typing import TYPE_CHECKING, Any

from stream_engine import logs
from stream_engine.configuration.options import HOLD_WATERMARKS, INLINE_FUNCTIONS, OBJECT_REUSE
from stream_engine.graph.job_graph import has_event_windows
from stream_engine.graph.specs import KafkaSink
from stream_engine.metrics import Metrics
from stream_engine.operators.build import build_operator
from stream_engine.operators.chain import Chain
from stream_engine.operators.operator import Operator
from stream_engine.operators.watermarks import MAX_WATERMARK
from stream_engine.operators.windows import MergeWindowsOperator
from stream_engine.pickling import dumps
from stream_engine.task.batch_size import AdaptiveBatch
from stream_engine.task.failure import Cancelled, OperatorError
from stream_engine.task.feedback import FeedbackQueue
from stream_engine.task.host import Unaligned
from stream_engine.task.inputs import Inputs
from stream_engine.task.timed_records import TimedRecords
from stream_engine.wire.messages import CheckpointOrder, Kind, unpacked, unpacked_time
from stream_engine.wire.records import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.specs import Sink
    from stream_engine.operators.operator import Writer
    from stream_engine.task.host import Alignment, Channel, Slot
    from stream_engine.task.inputs import Progress
    from stream_engine.wire.messages import Frame


# After so many records or seconds of work functions are inlined: the time for that, 20 ms, is then soon made up for.
_MANY = 100_000
INLINES_AFTER = 0.1


class Subtask:
    """Runs a chain in a slot of its host, and is itself the host of its operators."""

    def __init__(self, slot: Slot, graph: JobGraph, task: Task) -> None:
        self.task = task
        self.index, self.attempt = slot.index, slot.attempt
        self.configuration = slot.configuration
        self.accumulators = slot.accumulators
        self.metrics = Metrics()
        self._slot = slot
        self.finished = False
        # Replaced where checkpoints are taken, which may pause the subtask.
        self.alignment: Alignment = Unaligned()
        self.paused = False
        self.resumed = Event()
        # Handlers of the frames that have no records.
        self._by_kind: dict[int, Callable[[int, Frame], None]] = {
            Kind.MARK: lambda sender, frame: self.on_mark(frame.exchange, sender, unpacked_time(frame)),
            Kind.WATERMARK: lambda sender, frame: self.on_watermark(frame.exchange, sender, unpacked_time(frame)),
            Kind.IDLE: lambda sender, frame: self.on_idle(frame.exchange, sender),
            Kind.BARRIER: lambda sender, frame: self.on_barrier(
                frame.exchange, sender, unpacked(frame, CheckpointOrder)
            ),
            Kind.END: lambda sender, frame: self.on_end(frame.exchange, sender),
        }
        self._held: deque[tuple[int, Frame]] = deque()
        self._open_operators: list[Operator] = []
        # Operators whose ``open`` has not returned.
        self._unopened: set[Operator] = set()
        # The operator whose ``close`` is being called.
        self.closing: int | None = None
        self._queue: deque[tuple[int, Frame]] = deque()
        self._records: list[Any] = []
        self._position = 0
        # The channel of the records in work; None: they were fed back.
        self._from: Channel | None = None
        # The size of all frames that have come in.
        self.bytes_in = 0
        self.exits = slot.exits(task)
        self.inputs = Inputs(graph, task, self.index)
        self._fed_back = FeedbackQueue.of(slot.configuration) if self.inputs.loop else None
        self.timestamped = graph.timestamped
        self._watermark = -inf
        self._looping = graph.looping(task.id)
        # Time ends with the input, in a loop when that is empty. But windows inside fire only when time ends.
        loop = graph.loop_of(task.id)
        inside = set[int]().union(*map(graph.looping, loop))
        nodes = (node for each in loop for node in graph.tasks[each].operators if node.id in inside)
        self._ends_time = self.inputs.loop and self.inputs.outside and any(map(has_event_windows, nodes))
        operators = []
        for node in task.operators:
            with OperatorError.around(node.id, "being loaded"):
                if isinstance(node.operator, KafkaSink):
                    # What few jobs need is imported for those.
                    from stream_engine.task.kafka_sink import kafka_sink

                    operators.append(kafka_sink(node, self.index, task.parallelism, slot.configuration))
                    continue
                operators.append(build_operator(node, self.index, task.parallelism, slot.tables))
        self.chain = Chain(
            task,
            operators,
            self.exits,
            slot.configuration.get(OBJECT_REUSE),
            graph.timestamped,
            slot.watched,
            slot.guard(task),
        )
        # The exchanges that bring records of files; none if the subtask reads files itself.
        self._file_exchanges: set[int] = set()
        if slot.configuration.get(HOLD_WATERMARKS.key) and graph.reads_files(task.id):
            inputs = (exchange for exchange in graph.inputs(task.id) if not exchange.feedback)
            self._file_exchanges = {each.id for each in inputs if graph.reads_files(each.source_task)}
            self.hold_time(True, waited_for=True)
        self.batch = AdaptiveBatch()
        # Whether functions will be inlined.
        self._inlines: bool = slot.configuration.get(INLINE_FUNCTIONS)

    # --- the operators' host -----------------------------------------------------------------------------------------

    def now(self) -> int:
        return self._slot.now

    def schedule(self, time: int, action: Callable[[], None]) -> None:
        operator = getattr(action, "__self__", None)
        assert isinstance(operator, Operator)
        self.schedule_for(operator.id, time, action)

    def schedule_for(self, operator: int, time: int, action: Callable[[], None]) -> None:
        """As ``schedule``, for what is not an operator but belongs to one, as a source does."""

        def act() -> None:
            # There is no generated code on the stack that tells the operator.
            with OperatorError.around(operator, "being called by a timer"):
                action()

        self._slot.schedule(time, self, act)

    def hold(self) -> None:
        self._slot.hold(self)

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        return self._slot.writer(sink, parallelism, positions)

    # --- input -------------------------------------------------------------------------------------------------------

    @property
    def has_input(self) -> bool:
        """Whether there is input to process, now or later."""
        return bool(self._records or self._queue or self._fed_back or self._held or self.alignment.holding)

    @property
    def ready(self) -> bool:
        """Whether there is input to process now."""
        return bool(self._records or self._queue or self._fed_back) and not self.paused

    @property
    def pending(self) -> bool:
        """Whether operators here hold records for which they will feed results back when time passes."""
        return any(operator.pending for operator in self.chain.operators if operator.id in self._looping)

    @property
    def queued(self) -> int:
        """How many frames wait here."""
        return len(self._queue) + len(self._held)

    @property
    def watermark(self) -> int | None:
        """The event time (ms) of the input."""
        return None if self._watermark == -inf else int(self._watermark)

    def receive(self, sender: int, frame: Frame) -> None:
        """Queues a frame from another slot; ``work`` processes it."""
        self.bytes_in += len(frame.payload)
        self._queue.append((sender, frame))
        self._slot.on_input(self)

    def feed_back(self, exchange: int, sender: int, records: list[Any]) -> None:
        """Takes records from the end of the loop that begins here.

        After the loop has ended some may come only if the script has limited the wait for windows in it.
        """
        if self.alignment.admit((exchange, sender), records):
            self.put_back(records)

    def put_back(self, records: list[Any]) -> None:
        """Queues records as ``feed_back`` does, but hides them from checkpoints."""
        assert self._fed_back is not None
        if not self.finished:
            self._fed_back.put(records)
            self._slot.on_input(self)

    def fed_back(self) -> list[bytes]:
        """The waiting records that were fed back, as pickled lists."""
        if self._fed_back is None:
            return []
        begun = self._records[self._position :] if self._from is None else []
        return [*([dumps(begun)] if begun else []), *self._fed_back.contents()]

    def work(self) -> None:
        """Processes some of the input: a slice of a frame's records, or one frame of another kind."""
        if not self._records and self._fed_back:
            # Records in the loop come first, so that it holds few.
            self._records, self._from = self._fed_back.get(self.batch.records), None
        if not self._records:
            sender, frame = self._queue.popleft()
            if self.alignment.blocks((frame.exchange, sender)):
                self._held.append((sender, frame))
                return
            if frame.kind != Kind.DATA:
                self._by_kind[frame.kind](sender, frame)
                return
            self._records, self._from = unpack(frame.payload), (frame.exchange, sender)
        records, start = self._records, self._position
        stop = start + self.batch.records
        if stop < len(records):
            self._position = stop
            self._process(records[start:stop])
            return
        # Cleared first: processing may come back here while it waits for a receiver downstream.
        self._records, self._position = [], 0
        channel = self._from
        self._process(records[start:] if start else records)
        if channel is not None:
            self._slot.acknowledge(channel)

    def release(self) -> None:
        """Nothing is held back any more: queues the records that were held back first."""
        self._queue.extendleft(reversed(self._held))
        self._held.clear()
        self._slot.on_input(self)

    def pause(self, paused: bool) -> None:
        """Lets nothing in, or something again."""
        if paused == self.paused:
            return
        self.paused = paused
        if paused:
            self.resumed.clear()
        else:
            self.resumed.set()
            self._slot.on_input(self)

    def on_barrier(self, exchange: int, sender: int, order: CheckpointOrder) -> None:
        """The checkpoint does not count what comes through this channel from now on."""
        self.alignment.on_barrier((exchange, sender), order)

    def on_mark(self, exchange: int, sender: int, time: float) -> None:
        """A sender has emitted all its results before ``time``; emits what is complete by the marks of all senders."""
        self._emit(self.inputs.on_mark((exchange, sender), time))

    def on_end(self, exchange: int, sender: int) -> None:
        """A channel has ended; with the last input of all, the subtask does."""
        inputs, channel = self.inputs, (exchange, sender)
        if channel in inputs.feedback:
            inputs.feedback.discard(channel)
            self.alignment.on_feedback_end(channel)
            return
        inputs.on_end(channel)
        if exchange in self._file_exchanges and not inputs.any_open(self._file_exchanges):
            self.hold_time(False, waited_for=False)
        if inputs.ended:
            self.finish()
            return
        # Time and checkpoints no longer wait for the channel.
        self._emit(inputs.mark)
        self.advance(inputs.watermark)
        if self._ends_time and not inputs.outside:
            self.advance(MAX_WATERMARK)
        self.alignment.settle()

    def on_watermark(self, exchange: int, sender: int, time: int) -> None:
        """The event time of a channel is ``time`` now; the subtask's is that of its slowest channel."""
        self.advance(self.inputs.on_watermark((exchange, sender), time))

    def on_idle(self, exchange: int, sender: int) -> None:
        """The subtask's event time does not wait for the channel's until it has one again."""
        if self.inputs.on_idle((exchange, sender)):
            self.chain.watermarks.idle(self.task.head.id)
        else:
            self.advance(self.inputs.watermark)

    def hold_time(self, held: bool, waited_for: bool) -> None:
        """Tells operators that make event time to make none for now, or to begin anew with the next input."""
        for operator in self.chain.operators:
            operator.hold_time(held, waited_for)

    def advance(self, time: float) -> None:
        """The subtask's event time is ``time`` (ms) now; it never goes back."""
        if time > self._watermark:
            self._watermark = time
            self.chain.watermarks.enter(int(time))

    def _emit(self, mark: float) -> None:
        """Emits what is complete by the marks of all senders."""
        head = self.chain.operators[0]
        if isinstance(head, MergeWindowsOperator):
            head.advance(mark)

    def process_source(self, records: Sequence[Any]) -> None:
        """Takes records of a pull source through the chain; in jobs with event time they may be TimedRecords."""
        if self.timestamped and records.__class__ is not TimedRecords:
            records = [(record, None) for record in records]
        self._process(records)

    def _process(self, records: Sequence[Any]) -> None:
        self.batch.run(self.chain.process_batch, records)
        if self._inlines and (self.batch.done >= _MANY or self.batch.seconds >= INLINES_AFTER):
            self.inline()

    def inline(self) -> None:
        """Inlines the functions of its chain, and of those that it calls, unless that is switched off.

        Called between two records; the first call counts.
        """
        if not self._inlines:
            return
        self._inlines = False
        logs.debug("inlines functions of task %d", self.task.id + 1)
        try:
            self.chain.inline()
        except Exception as error:
            # The job runs without it.
            logs.debug("inlines no functions (%s: %s)", type(error).__name__, error)
        for exit_ in self.exits:
            if exit_.callee is not None:
                exit_.callee.inline()

    def on_loop_end(self) -> None:
        """The loop that this subtask is in has ended."""
        if self.inputs.loop:
            self.inputs.loop = False
            if self.inputs.ended:
                self.finish()

    def progress(self) -> tuple[Progress, float, bool]:
        """How far its input has come, and whether it has finished; to be pickled at once."""
        return self.inputs.progress(), self._watermark, self.finished

    def resume(self, progress: tuple[Progress, float, bool]) -> None:
        """Goes on from what ``progress`` gave; one that had finished must not be opened."""
        inputs, self._watermark, self.finished = progress
        self.inputs.resume(inputs)

    # --- life --------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        self._open_operators = list(self.chain.operators)
        self._unopened.update(self.chain.operators)
        logs.debug("is being opened")
        for operator in reversed(self.chain.operators):
            with OperatorError.around(operator.id, "being opened"):
                operator.open(self, self.task.parallelism)
            self._unopened.remove(operator)

    def flush(self) -> None:
        """Emits what operators have held back for speed."""
        for operator in self.chain.operators:
            try:
                operator.flush()
            except (OperatorError, Cancelled):
                raise
            except BaseException as error:
                raise OperatorError(operator.id, "being flushed") from error

    def finish(self) -> None:
        """All input has been processed: emits the last results, and tells the receivers that these were the last."""
        # From the head on, so that the last results of an operator pass through those downstream.
        for operator in self.chain.operators:
            with OperatorError.around(operator.id, "finishing"):
                operator.finish()
        self.flush()
        self.finished = True
        logs.debug("has finished")
        self.alignment.finish()
        self._close([operator for operator in self._open_operators if not operator.commits])
        for exit_ in self.exits:
            exit_.end()

    def close(self) -> None:
        """Closes the open operators; all of them, even if one raises.

        What an operator raises that could not be opened is left out: its ``close`` misses what ``open`` did not make.
        """
        self._close(self._open_operators)

    def on_checkpoint_complete(self, checkpoint: int) -> None:
        for operator in self.chain.operators:
            with OperatorError.around(operator.id, "told of a complete checkpoint"):
                operator.on_checkpoint_complete(checkpoint)

    def commit(self) -> None:
        """The whole job has finished: commits what operators have kept for that, and closes them."""
        for operator in self._open_operators:
            with OperatorError.around(operator.id, "committing"):
                operator.commit()
        self.close()

    def _close(self, operators: Sequence[Operator]) -> None:
        failure: Exception | None = None
        if self._fed_back is not None:
            self._fed_back.close()
        self.alignment.close()
        self._open_operators = [operator for operator in self._open_operators if operator not in operators]
        for operator in operators:
            self.closing = operator.id
            try:
                with OperatorError.around(operator.id, "being closed"):
                    operator.close()
            except OperatorError as error:
                if operator not in self._unopened:
                    failure = failure or error
        self.closing = None
        if failure is not None:
            raise failure
