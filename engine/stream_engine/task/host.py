"""What a subtask needs of its host: a worker process, the script's own process, or another engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.operators.writer import Guard, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import Task
    from stream_engine.graph.specs import Sink
    from stream_engine.operators.accumulators import Accumulators
    from stream_engine.operators.operator import Writer
    from stream_engine.operators.tables import Tables
    from stream_engine.task.ready import Holder
    from stream_engine.task.timers import Owner
    from stream_engine.wire.messages import CheckpointOrder

# The id of the exchange, and the index of the sending subtask.
Channel = tuple[int, int]


class Callee(Protocol):
    """A subtask whose chain another one calls."""

    def inline(self) -> None:
        """Inlines its functions; called between records."""
        ...


class Exit(Output, Protocol):
    """Where records leave a subtask for those of another task."""

    @property
    def callee(self) -> Callee | None:
        """The receiver that gets records at once, by a call."""
        ...

    def end(self) -> None:
        """Tells all receivers that no further record will come."""
        ...


class Slot(Protocol):
    """The place of a subtask in its host. Times are ms since the epoch."""

    index: int
    attempt: int
    """How often the job was restarted before."""
    configuration: Configuration
    accumulators: Accumulators
    watched: bool
    """Whether somebody watches the job."""
    tables: Tables
    """Where operators keep what they have for each key."""

    @property
    def now(self) -> int: ...

    def exits(self, task: Task) -> Sequence[Exit]:
        """The exits of the subtask, one for each exchange that leaves its task."""
        ...

    def guard(self, task: Task) -> Guard | None:
        """What is done before and after each record of a source that pushes; None where it is done elsewhere."""
        ...

    def acknowledge(self, channel: Channel) -> None:
        """A frame of records that came through ``channel`` has been processed: its sender may send another one."""
        ...

    def on_input(self, subtask: Any) -> None:
        """Something has come that ``subtask`` may process."""
        ...

    def hold(self, holder: Holder) -> None:
        """Flushes ``holder`` once, when the host has nothing else to do or the time for it has come."""
        ...

    def schedule(self, time: int, owner: Owner, action: Callable[[], None]) -> None:
        """Calls ``action`` at ``time``, unless ``owner`` has finished by then."""
        ...

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        """Opens what a sink writes to. Raises OSError."""
        ...


class Alignment(Protocol):
    """What a checkpoint does with the input of a subtask while it is being taken."""

    @property
    def holding(self) -> bool:
        """Whether records are kept that may not be processed yet."""
        ...

    def blocks(self, channel: Channel) -> bool:
        """Whether ``channel`` has to wait for the barriers of other channels."""
        ...

    def admit(self, channel: Channel, records: list[Any]) -> bool:
        """Whether records that are fed back may be processed now; otherwise they are kept until they may."""
        ...

    def on_barrier(self, channel: Channel, order: CheckpointOrder) -> None:
        """The barrier of a checkpoint has come through ``channel``."""
        ...

    def on_feedback_end(self, channel: Channel) -> None:
        """No more will come through a feedback channel."""
        ...

    def settle(self) -> None:
        """Takes the state if no barrier is missing any more. The subtask is between two records."""
        ...

    def finish(self) -> None:
        """The subtask has ended."""
        ...

    def close(self) -> None:
        """The job is over."""
        ...


class Unaligned:
    """The Alignment of a subtask in a job without checkpoints, or whose host takes them elsewhere."""

    holding = False

    def blocks(self, channel: Channel) -> bool:
        """False: no channel has to wait."""
        return False

    def admit(self, channel: Channel, records: list[Any]) -> bool:
        """True: all that is fed back may be processed."""
        return True

    def on_barrier(self, channel: Channel, order: CheckpointOrder) -> None:
        """Raises AssertionError: nobody sends a barrier."""
        raise AssertionError("a barrier in a job without checkpoints")

    def on_feedback_end(self, channel: Channel) -> None:
        """Does nothing."""

    def settle(self) -> None:
        """Does nothing: no state is taken."""

    def finish(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing: nothing is kept."""
