"""One subtask in a checkpoint: it waits for barriers, takes its state, and passes the barrier on.

A barrier divides the records of a channel into those that a checkpoint counts and those after it. Once it has come
through one channel, the subtask takes nothing more from that channel until it has come through all others: so its state
then comes from the records before the barrier, and from nothing else. With "at least once" the channels do not wait, so
a few records may be counted that come again after a restart.

In a loop the barrier comes back to where it began. The head of a loop does not wait for it. Instead, its state includes
the records on their way back: those that have come through the feedback channels and wait, and those that still come
through them ahead of the barrier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.checkpoints.state_file import Encoding
from stream_engine.local.worker.checkpoints.encoding import SubtaskEncoder
from stream_engine.operators.snapshot import OperatorSnapshot
from stream_engine.pickling import dumps
from stream_engine.task.failure import OperatorError
from stream_engine.task.feedback import FeedbackQueue
from stream_engine.task.sources import source_snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.checkpoints.directory import Place
    from stream_engine.local.worker.checkpoints.writer import Encoded
    from stream_engine.local.worker.exchange_writer import ExchangeWriter
    from stream_engine.local.worker.push_source import PushSource
    from stream_engine.task.host import Channel
    from stream_engine.task.sources import Reader
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.messages import CheckpointOrder

FED_BACK = "fed back"


class Round(Protocol):
    """What the barriers of one subtask need to know of the checkpoint that its worker takes."""

    exactly_once: bool
    order: CheckpointOrder | None
    triggered: int

    def begin(self, order: CheckpointOrder) -> bool:
        """Begins the checkpoint, unless it is over already; returns whether it is the running one."""
        ...

    def on_finished(self, subtask: Subtask) -> None:
        """A subtask has ended before the barrier reached it."""
        ...

    def add(self, subtask: Subtask, number: int, encoded: Encoded) -> None:
        """Takes the state of a subtask for checkpoint ``number``."""
        ...

    def update(self) -> None:
        """Decides anew which subtasks have to wait."""
        ...


class BarrierAlignment:
    """The barriers of one subtask. ``passed`` is the last checkpoint for which it has taken its state."""

    def __init__(
        self,
        subtask: Subtask,
        exits: Sequence[ExchangeWriter],
        source: Reader | PushSource | None,
        current: Round,
    ) -> None:
        self.passed = 0
        self.exits = exits
        self.source = source
        self._subtask = subtask
        self._round = current
        self._seen: set[Channel] = set()
        # Its state for the running checkpoint, until it is complete; and its state at its end.
        self._state: Encoded | None = None
        self._final: Encoded = {}
        self._encoder = SubtaskEncoder(subtask)
        # The feedback channels whose barrier came before the others', with the records after it; and those whose
        # barrier is still missing, with the records before it.
        self._early: set[Channel] = set()
        self._behind: FeedbackQueue | None = None
        self._awaited: set[Channel] = set()
        self._log: list[bytes] = []

    def blocks(self, channel: Channel) -> bool:
        """Whether the barrier has come through ``channel``, whose further records wait for the other barriers."""
        return channel in self._seen and self._round.exactly_once

    # --- barriers ----------------------------------------------------------------------------------------------------

    def on_barrier(self, channel: Channel, order: CheckpointOrder) -> None:
        """The barrier of a checkpoint has come through ``channel``."""
        if not self._round.begin(order):
            return
        if channel not in self._subtask.inputs.feedback:
            self._seen.add(channel)
            self.settle()
        elif self.passed < order.number:
            self._early.add(channel)
        else:
            self._stop_logging(channel)

    def settle(self) -> None:
        """Takes the state, if no barrier is missing any more. The subtask is between two records."""
        order = self._round.order
        if order is None or self.passed >= order.number or self._subtask.finished:
            return
        if self._subtask.inputs.open <= self._seen and (self._seen or self._round.triggered >= order.number):
            self._pass(order)

    def _pass(self, order: CheckpointOrder) -> None:
        subtask = self._subtask
        for operator in subtask.chain.operators:
            with OperatorError.around(operator.id, "preparing for a checkpoint"):
                operator.before_snapshot()
        subtask.flush()
        for writer in self.exits:
            writer.flush()
        if self._round.order is not order:
            # The checkpoint was given up while sending had to wait.
            return
        # From here on nothing waits, so nothing else happens in between.
        self._state = self._encoded(order.number, final=False, shared=order.shared)
        self._log = subtask.fed_back()
        self._awaited = subtask.inputs.feedback - self._early
        self.passed = order.number
        self._release()
        for writer in self.exits:
            writer.send_barrier(order)
        self._hand_in()
        self._round.update()
        for writer in self.exits:
            writer.hand_barrier(order)

    def _release(self) -> None:
        """Takes from all channels again."""
        self._seen.clear()
        self._early.clear()
        self._subtask.release()
        while self._behind:
            self._subtask.put_back(self._behind.get())

    def give_up(self) -> None:
        """The checkpoint is over, complete or not."""
        self._release()
        self._awaited.clear()
        self._state, self._log = None, []
        for writer in self.exits:
            writer.bound()

    # --- what is fed back --------------------------------------------------------------------------------------------

    def admit(self, channel: Channel, records: list[Any]) -> bool:
        """Whether records that are fed back may be processed now; otherwise they are kept until they may."""
        if channel in self._awaited:
            self._log.append(dumps(records))
        elif channel in self._early and self._round.exactly_once:
            if self._behind is None:
                self._behind = FeedbackQueue.of(self._subtask.configuration)
            self._behind.put(records)
            return False
        return True

    def on_feedback_end(self, channel: Channel) -> None:
        """No more will come through a feedback channel."""
        self._stop_logging(channel)

    @property
    def holding(self) -> bool:
        """Whether records are kept that may not be processed yet."""
        return bool(self._behind)

    def _stop_logging(self, channel: Channel) -> None:
        self._awaited.discard(channel)
        self._hand_in()

    # --- state -------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """The subtask has ended: its state is the same for all further checkpoints."""
        # Encoded now: it may serve many checkpoints, after the functions have been closed.
        self._final = self._encoded(0, final=True)
        self._round.on_finished(self._subtask)

    def final_state(self, number: int) -> Encoded:
        """The state of a finished subtask. Only its uncommitted transactions still change."""
        return {**self._final, **self._encoded(number, final=False)}

    def close(self) -> None:
        if self._behind is not None:
            self._behind.close()

    def _encoded(self, number: int, final: bool, shared: Place | None = None) -> Encoded:
        subtask = self._subtask
        encoding = self._encoder.begin(shared)
        for node, operator in zip(subtask.task.operators, subtask.chain.operators, strict=True):
            if operator.commits if final else subtask.finished and not operator.commits:
                continue
            assert node.uid is not None
            with OperatorError.around(node.id, "asked for its state"):
                snapshot = operator.snapshot(number)
                if node is subtask.task.head and self.source is not None:
                    snapshot = source_snapshot(self.source, number)
                encoding.add(node.uid, snapshot)
        with OperatorError.around(subtask.task.operators[-1].id, "asked for its state"):
            return encoding.encoded()

    def _hand_in(self) -> None:
        """Hands in the state for the running checkpoint, unless records that are fed back are still missing."""
        if self._state is None or self._awaited:
            return
        if self._log:
            uid = self._subtask.task.head.uid
            assert uid is not None
            self._state.setdefault(uid, []).append(Encoding(uid, OperatorSnapshot(split={FED_BACK: self._log})))
        self._round.add(self._subtask, self.passed, self._state)
        self._state, self._log = None, []
