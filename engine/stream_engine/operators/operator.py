"""The base of all operators, and what they need of their host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.operators.accumulators import OwnAccumulators
from stream_engine.operators.code import Count
from stream_engine.operators.context import Place, is_rich, open_function
from stream_engine.operators.function_state import FunctionState
from stream_engine.operators.keys import MISSING, key_call
from stream_engine.operators.snapshot import OperatorSnapshot
from stream_engine.operators.state import UNKEYED, KeyedStates
from stream_engine.operators.tables import MemoryTables
from stream_engine.operators.writer import write_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import Sink
    from stream_engine.operators.snapshot import RestoredState
    from stream_engine.operators.tables import Tables
    from stream_engine.operators.writer import ChainWriter


class Writer(Protocol):
    """What a sink writes to; the host makes it."""

    # Whether lines may wait in it until ``flush`` or ``close``.
    buffers: bool

    def flush(self) -> None:
        """Writes out all lines."""
        ...

    def write(self, lines: list[Any]) -> None:
        """Takes a str for each line, or bytes for a socket."""
        ...

    def position(self) -> int | None:
        """Writes out all lines; returns where the next one begins, or None if what was written cannot be taken back."""
        ...

    def complete(self, position: int) -> None:
        """A checkpoint is complete, or the job is: what was written before ``position`` is never taken back."""
        ...

    def close(self) -> None: ...


class Host(Place, Protocol):
    """All that an operator needs of its host. Times are ms since the epoch."""

    def now(self) -> int:
        """The processing time of the records that are being processed now."""
        ...

    def schedule(self, time: int, action: Callable[[], None]) -> None:
        """Calls ``action``, a method of the operator, once, between two records, at ``time`` or soon after."""
        ...

    def hold(self) -> None:
        """Lets the operator be flushed, once, when there is nothing else to do or the time for it has come."""
        ...

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        """Opens the file, socket or console behind a sink. Raises OSError.

        ``positions`` is for a sink that resumes: the position of each subtask by its index, perhaps also of subtasks
        that no longer exist.
        """
        ...


class Operator:
    """One operator of a chain, in one subtask.

    Life: ``write`` (its code is generated), perhaps ``restore``, ``open``, records, ``finish`` (its input has ended),
    ``close``. Between two records, from ``open`` until after ``finish``, there may be a ``snapshot``.
    """

    # Whether it hands its records to user code, which may change or keep them.
    exposes = False
    # Whether what it emits may be a record that it got, or part of one.
    passes = False
    # Whether it holds records for which it will emit something when time passes.
    pending = False
    # Whether it emits a record for each that it gets, at once.
    one_for_one = False
    # Whether it makes watermarks itself: watermarks from upstream end here.
    makes_time = False
    # Whether ``commit`` comes between ``finish`` and ``close``, once all of the job's subtasks have finished.
    commits = False
    # Where it keeps keyed state; set before ``write``.
    tables: Tables = MemoryTables()

    def __init__(self, identifier: int, name: str) -> None:
        self.id = identifier
        # The number of records that a sink has taken; if it ``writes_all``, it is that of its chain.
        self.written = Count()
        self.writes_all = False
        self.name = name

    @property
    def late_records(self) -> int | None:
        """How many records it has dropped as too late for its windows; None if it never drops any."""
        return None

    def write(self, chain: ChainWriter, record: str) -> None:
        """Writes what happens to the record in the variable ``record``."""
        raise NotImplementedError

    def open(self, host: Host, parallelism: int) -> None:
        """Called once, before the first record."""

    def hold_time(self, held: bool, waited_for: bool) -> None:
        """Another input begins, with an event time of its own.

        If it is ``held``, it makes no watermarks; if it is ``waited_for``, it never counts as idle.
        """

    def on_watermark(self, time: int) -> None:
        """No record with a timestamp of ``time`` (ms) or earlier will come any more."""

    def flush(self) -> None:
        """Hands on what was held back for speed; called after ``Host.hold``."""

    def finish(self) -> None:
        """Called once, after the last record, while it can still emit results."""

    def before_snapshot(self) -> None:
        """Emits what it only holds to emit it together with more, so that the snapshot need not have it."""

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        """What it needs to resume from here; may share objects with the operator."""
        return OperatorSnapshot()

    def restore(self, state: RestoredState) -> None:
        """Restores its state; called before ``open``. Raises StateError for state that it cannot restore."""

    def on_checkpoint_complete(self, checkpoint: int) -> None:
        """``checkpoint`` of the whole job is complete: the job will never resume from before it."""

    def commit(self) -> None:
        """Called once when the whole job has finished, if it ``commits``: the job will never be restarted."""

    def close(self) -> None:
        """Called once, also when the job has failed or was cancelled."""


class FunctionOperator(Operator):
    """An operator around a user function, which it opens and closes if it is rich.

    ``key`` is the selector of the keyed stream that the function works on, where the function may keep state.
    """

    # Whether the function gets the records that come in, and not what the operator has kept of them.
    applies = True
    # Why the function may keep no state in spite of a ``key``; empty if it may.
    stateless = ""

    def __init__(self, identifier: int, name: str, function: UserFunction, key: UserFunction | None = None) -> None:
        super().__init__(identifier, name)
        self.function = function.load()
        self.call: Callable[..., Any] = getattr(self.function, function.method) if function.method else self.function
        self.states = KeyedStates(UNKEYED if key is None else self.stateless, lambda: self.tables)
        self.exposes = self.applies and not function.only_reads
        self.accumulators = OwnAccumulators()
        self.function_state = FunctionState(self.function)
        self._forgets = function.forgets
        self._key = key
        self._rich = is_rich(self.function)
        self._opened = False

    def write_current_key(self, chain: ChainWriter, key: str) -> None:
        """Writes that ``key`` is the current key, for a function that can ask for state."""
        if self._rich:
            chain.code.line(f"{chain.code.bind('states', self.states)}.key = {key}")

    def write_record_key(self, chain: ChainWriter, record: str) -> None:
        """Writes the same with the key of ``record``, for an operator that needs no key itself."""
        if self._rich and self._key is not None:
            self.write_current_key(chain, write_key(chain, record, key_call(self._key)))

    def released(self, chain: ChainWriter, record: str) -> str:
        """What to emit for a record that the function may still hold: neither may see changes of the other."""
        return record if self._forgets else chain.received(self.id, record)

    def open(self, host: Host, parallelism: int) -> None:
        self.accumulators.open(host.accumulators)
        if self._rich:
            self._opened = True
            open_function(self.function, self.name, host, parallelism, self.states, self.accumulators)
            self.states.check_asked()

    def flush(self) -> None:
        self.tables.trim()

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = OperatorSnapshot()
        for part in (self.states, self.accumulators, self.function_state):
            part.snapshot(snapshot)
        return snapshot

    def restore(self, state: RestoredState) -> None:
        parts = (self.states, self.accumulators, self.function_state)
        # A function that is not rich cannot ask for keyed state.
        for part in parts if self._rich else parts[1:]:
            part.restore(state)

    def close(self) -> None:
        if self._opened:
            self._opened = False
            self.states.key = MISSING
            self.function.close()
