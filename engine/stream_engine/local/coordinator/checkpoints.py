"""Takes checkpoints and savepoints. One is complete when every worker has written its part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from time import monotonic, time
from typing import TYPE_CHECKING

from stream_engine.checkpoints.metadata import Metadata, OperatorInfo, write_metadata
from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.checkpoints.storage import begin_savepoint, discard
from stream_engine.configuration.options import (
    CHECKPOINT_INTERVAL,
    CHECKPOINT_PAUSE,
    CHECKPOINT_TIMEOUT,
    INCREMENTAL_CHECKPOINTS,
    RETAINED_CHECKPOINTS,
    TOLERABLE_FAILURES,
)
from stream_engine.local.coordinator.failure import AttemptFailed
from stream_engine.local.null_monitor import NullMonitor
from stream_engine.local.output import tell
from stream_engine.wire.messages import CheckpointEnd, CheckpointOrder, Kind, packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.checkpoints.directory import Place
    from stream_engine.checkpoints.metadata import StateFile
    from stream_engine.checkpoints.storage import CheckpointStorage
    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.wire.connection import Connection
    from stream_engine.wire.messages import Acknowledgement, Refusal


# How long a stop may wait for its savepoint before a message says so, in seconds.
_PATIENCE = 2.0


@dataclass(frozen=True)
class _Wish:
    """A savepoint that somebody wants, in ``directory``; one that ``stops`` is the end of the job."""

    directory: str
    stops: bool


@dataclass
class _Running:
    """A checkpoint that is being taken; ``place`` is None when there is none for it."""

    number: int
    place: Place | None
    begun: float
    savepoint: _Wish | None
    last: bool = False
    files: dict[int, StateFile | None] = field(default_factory=dict)


class CheckpointCoordinator:
    """The checkpoints of one job, through all its restarts. Only one is taken at a time.

    ``storage`` is None for a job that takes savepoints only. Times are monotonic seconds.
    """

    def __init__(
        self,
        job_id: str,
        job_name: str,
        graph: JobGraph,
        configuration: Configuration,
        storage: CheckpointStorage | None,
    ) -> None:
        self._job_id = job_id
        self._job_name = job_name
        self._operators = {
            node.uid or "": OperatorInfo(node.name, task.parallelism) for task in graph.tasks for node in task.operators
        }
        self._storage = storage
        self._interval: float = configuration.get(CHECKPOINT_INTERVAL) / 1000
        self._pause: float = configuration.get(CHECKPOINT_PAUSE) / 1000
        self._timeout: float = configuration.get(CHECKPOINT_TIMEOUT) / 1000
        self._tolerable: int = configuration.get(TOLERABLE_FAILURES)
        self._retained: int = configuration.get(RETAINED_CHECKPOINTS)
        self._incremental: bool = configuration.get(INCREMENTAL_CHECKPOINTS)
        self.monitor = NullMonitor()
        self._workers: Sequence[Connection] = ()
        self._number = 0
        self._failed_in_a_row = 0
        self._next = inf
        self._running: _Running | None = None
        # None: the last checkpoint, of the whole result.
        self._wishes: list[_Wish | None] = []
        # The places of checkpoints that were given up; workers may still be writing to them.
        self._left: list[Place] = []
        # When to say that the job still waits for the savepoint that stops it.
        self._patient_until = inf
        # The path of the complete savepoint that stopped the job.
        self.last_savepoint: str | None = None

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being taken or asked for."""
        return self._running is not None or bool(self._wishes)

    @property
    def silently_awaited(self) -> bool:
        """Whether the job waits for the savepoint that stops it, and no message has said so yet."""
        return self._patient_until != inf

    # --- what the job does -------------------------------------------------------------------------------------------

    def attach(self, workers: Sequence[Connection]) -> None:
        """The job runs on these workers from now on."""
        self._workers = workers
        self._failed_in_a_row = 0
        self._next = monotonic() + self._interval if self._storage is not None else inf

    def detach(self) -> None:
        """The workers have ended, and with them the checkpoint that was being taken."""
        self._workers = ()
        if None in self._wishes:
            # It was for the results of these workers.
            self._wishes.remove(None)
        if self._running is not None:
            if self._running.place is not None:
                self._left.append(self._running.place)
            self.monitor.checkpoint_failed(self._running.number)
            if self._running.savepoint is not None:
                # It is taken when the job has been restarted.
                self._wishes.insert(0, self._running.savepoint)
            self._running = None
        while self._left:
            discard(self._left.pop())

    def wish(self, directory: str, stops: bool = False) -> None:
        """Asks for a savepoint, to be taken as soon as no other is. May be called by a signal handler."""
        self._wishes.append(_Wish(directory, stops))
        if stops:
            self._patient_until = monotonic() + _PATIENCE

    def take_last(self) -> bool:
        """All records have been processed: takes the last checkpoint, if the job takes any; returns whether it does."""
        if self._storage is not None:
            self._wishes.append(None)
        return self._storage is not None

    def cease(self) -> None:
        """Takes no more checkpoints except those that are asked for."""
        self._next = inf

    def time_left(self) -> float | None:
        """How many seconds there are until ``tick`` has something to do; None: it has nothing to do."""
        if self._wishes and self._running is None:
            return 0.0
        due = self._next if self._running is None else self._running.begun + self._timeout
        due = min(due, self._patient_until)
        return None if due == inf else max(0.0, due - monotonic())

    def tick(self) -> None:
        """Begins a checkpoint that is due, and gives up one that takes too long. Raises AttemptFailed."""
        if not self._workers:
            return
        now = monotonic()
        if now >= self._patient_until:
            self._patient_until = inf
            tell(f"Waiting for the savepoint{self._missing()}. Send the signal again to stop without it.")
        if self._running is not None:
            if now >= self._running.begun + self._timeout:
                self._fail(f"It was not complete after {self._timeout:g} s{self._missing()}.")
        elif self._wishes:
            wish = self._wishes.pop(0)
            self._begin(now, wish, last=wish is None)
        elif now >= self._next:
            self._begin(now, None)

    def _missing(self) -> str:
        if self._running is None:
            return ""
        missing = [str(i + 1) for i in range(len(self._workers)) if i not in self._running.files]
        return f" (missing: worker {', '.join(missing)})"

    # --- what workers say --------------------------------------------------------------------------------------------

    def on_acknowledged(self, worker: int, acknowledgement: Acknowledgement) -> None:
        """A worker has written its part. Raises AttemptFailed."""
        running = self._running
        if running is None or acknowledgement.number != running.number:
            return
        running.files[worker] = acknowledgement.file
        if len(running.files) == len(self._workers):
            self._complete(running, acknowledgement.key_hash)

    def on_declined(self, refusal: Refusal) -> None:
        """A worker could not write its part. Raises AttemptFailed."""
        if self._running is not None and refusal.number == self._running.number:
            self._fail(refusal.reason)

    # --- one checkpoint ----------------------------------------------------------------------------------------------

    def _begin(self, now: float, savepoint: _Wish | None, last: bool = False) -> None:
        self._number += 1
        if savepoint is None and self._next != inf:
            self._next = now + self._interval
        shared: Place | None = None
        try:
            if savepoint is not None:
                place = begin_savepoint(savepoint.directory, self._job_id)
            else:
                assert self._storage is not None
                place = self._storage.begin(self._number)
                shared = self._storage.share() if self._incremental else None
        except StorageError as error:
            self._running = _Running(self._number, None, now, savepoint)
            self._fail(str(error))
            return
        self._running = _Running(self._number, place, now, savepoint, last)
        self.monitor.checkpoint_begun(self._number, savepoint is not None)
        order = CheckpointOrder(self._number, place, savepoint is not None and savepoint.stops, shared)
        for worker in self._workers:
            worker.send(Kind.TRIGGER, 0, packed(order))

    def _complete(self, running: _Running, key_hash: int) -> None:
        files = tuple(file for _, file in sorted(running.files.items()) if file is not None)
        metadata = Metadata(
            running.number, self._job_id, self._job_name, int(time() * 1000), key_hash, self._operators, files
        )
        assert running.place is not None
        try:
            if running.savepoint is not None:
                write_metadata(running.place, metadata)
            else:
                assert self._storage is not None
                self._storage.complete(metadata, self._retained)
        except StorageError as error:
            self._fail(str(error))
            return
        self._failed_in_a_row = 0
        self.monitor.checkpoint_completed(running.number, sum(file.size for file in files))
        if running.savepoint is not None:
            tell(f"Savepoint: {running.place.path}")
            if running.savepoint.stops:
                self.last_savepoint = running.place.path
        # A job never restarts from a savepoint after which it has continued: such a savepoint must not commit anything.
        self._end(running, counts=running.savepoint is None or running.savepoint.stops)

    def _end(self, running: _Running, counts: bool) -> None:
        self._running = None
        self._next = max(self._next, monotonic() + self._pause)
        for worker in self._workers:
            worker.send(Kind.CHECKPOINT_ENDED, 0, packed(CheckpointEnd(running.number, counts)))

    def _fail(self, reason: str) -> None:
        """Gives up the running checkpoint. Raises AttemptFailed if the job cannot continue without it."""
        running = self._running
        assert running is not None
        self.monitor.checkpoint_failed(running.number)
        if running.savepoint is None:
            self._failed_in_a_row += 1
            # Without the last one, nothing may be committed.
            if running.last or self._failed_in_a_row > self._tolerable:
                if running.place is not None:
                    self._left.append(running.place)
                self._running = None
                raise AttemptFailed.of(f"Checkpoint {running.number} has failed. {reason}", self._job_id)
        what = f"Checkpoint {running.number}" if running.savepoint is None else "The savepoint"
        tell(f"{what} failed, the job continues: {reason}")
        if running.savepoint is not None and running.savepoint.stops:
            self._patient_until = inf
            tell("The next signal stops the job without a savepoint.")
        if running.place is not None:
            discard(running.place)
            self._left.append(running.place)
        self._end(running, counts=False)
