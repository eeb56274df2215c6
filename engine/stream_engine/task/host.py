"""What a subtask asks of the worker that it is in, and of what its records leave it by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from stream_engine.operators.chain import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import Task
    from stream_engine.graph.specs import Sink
    from stream_engine.operators.accumulators import Accumulators
    from stream_engine.operators.operator import Writer
    from stream_engine.operators.tables import Tables
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.connection import Connection


class Exit(Output, Protocol):
    """Where records leave a subtask for those of another task."""

    def end(self) -> None:
        """Tells all receivers that no further record will come."""
        ...


class Slot(Protocol):
    """What a subtask asks of its worker. Times are ms since the epoch."""

    index: int
    attempt: int
    configuration: Configuration
    accumulators: Accumulators
    # Whether somebody watches the job.
    watched: bool
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
