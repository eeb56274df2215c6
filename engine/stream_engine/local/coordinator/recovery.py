"""Restarts a failed job from a checkpoint, and decides which checkpoints stay when it has ended."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.checkpoints.restart import restart_strategy
from stream_engine.configuration.options import (
    CHECKPOINT_DIRECTORY,
    CHECKPOINT_INTERVAL,
    IGNORE_UNCLAIMED_STATE,
    SAVEPOINT_DIRECTORY,
    STOP_WITH_SAVEPOINT,
)
from stream_engine.failures.causes import cause_of, set_cause
from stream_engine.graph.specs import ClientSource, PythonSource, SocketTextSource, TextFileSink
from stream_engine.job import JobCancelledException, JobExecutionException
from stream_engine.local.output import tell

if TYPE_CHECKING:
    from types import TracebackType

    from stream_engine.checkpoints.metadata import Metadata
    from stream_engine.checkpoints.storage import CheckpointStorage
    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.coordinator.checkpoints import CheckpointCoordinator
    from stream_engine.local.coordinator.failure import AttemptFailed
    from stream_engine.operators.sinks import WrittenFiles


class Recovery:
    """The checkpoints, savepoints and restarts of one job, which runs while the context lasts.

    ``checkpoints`` is None for a job that takes neither checkpoints nor savepoints. If the job begins from a savepoint,
    ``written`` has the files that it counts, by the uids of text sinks; ``lenient`` tells whether state may be left
    behind for which the script has no operator.
    """

    def __init__(
        self, job_id: str, job_name: str, graph: JobGraph, configuration: Configuration, savepoint: str
    ) -> None:
        """``savepoint`` is the path of the savepoint to begin from; empty: none. Raises JobExecutionException."""
        self._job_id = job_id
        self._graph = graph
        self._strategy = restart_strategy(configuration)
        self._restarts = 0
        self._storage: CheckpointStorage | None = None
        self._temporary = not configuration.get(CHECKPOINT_DIRECTORY)
        self._stops_with_savepoint: bool = configuration.get(STOP_WITH_SAVEPOINT)
        self._begun_from: tuple[str, Metadata] | None = None
        self.lenient: bool = configuration.get(IGNORE_UNCLAIMED_STATE)
        self.written: dict[str, WrittenFiles] = {}
        self.savepoints = ""
        self.checkpoints: CheckpointCoordinator | None = None
        if self._stops_with_savepoint and not configuration.get(SAVEPOINT_DIRECTORY):
            summary = "execution.savepoint.on-stop: the savepoint needs a directory: set state.savepoints.dir as well"
            raise JobExecutionException(summary, job_id)
        # What few jobs need is imported for those.
        if savepoint or configuration.get(SAVEPOINT_DIRECTORY) or configuration.get(CHECKPOINT_INTERVAL):
            self._prepare(job_name, configuration, savepoint)
        self._origin = self._begun_from

    def _prepare(self, job_name: str, configuration: Configuration, savepoint: str) -> None:
        from stream_engine.checkpoints.owner_only import StorageError
        from stream_engine.checkpoints.restoration import check_operators
        from stream_engine.checkpoints.storage import check_savepoint_root, checkpoint_root, find
        from stream_engine.local.coordinator.checkpoints import CheckpointCoordinator
        from stream_engine.operators.snapshot import StateError

        directory = configuration.get(SAVEPOINT_DIRECTORY)
        try:
            if savepoint:
                self._begun_from = find(savepoint)
                plan = {node.uid or "": node.name for task in self._graph.tasks for node in task.operators}
                made = {node.uid or "" for task in self._graph.tasks for node in task.operators if node.made_uid}
                check_operators(self._begun_from[1], plan, self._begun_from[0], self.lenient, made)
                self.written = self._files_of(*self._begun_from)
            if directory:
                self.savepoints = checkpoint_root(directory, "state.savepoints.dir")
                check_savepoint_root(self.savepoints)
            if configuration.get(CHECKPOINT_INTERVAL):
                self._storage = self._prepared_storage(configuration.get(CHECKPOINT_DIRECTORY))
        except (StorageError, StateError) as error:
            raise JobExecutionException(str(error), self._job_id) from error
        if self._storage is not None or self.savepoints:
            self.checkpoints = CheckpointCoordinator(self._job_id, job_name, self._graph, configuration, self._storage)
            self._warn_of_unreplayable()

    def _files_of(self, directory: str, metadata: Metadata) -> dict[str, WrittenFiles]:
        from stream_engine.checkpoints.restoration import read_snapshots
        from stream_engine.operators.sinks import written_files_in

        nodes = [node for task in self._graph.tasks for node in task.operators]
        sinks = {node.uid for node in nodes if isinstance(node.operator, TextFileSink)}
        found = read_snapshots(directory, metadata, lambda uid, _: uid in sinks)
        written = {uid: written_files_in(snapshots) for uid, snapshots in found.items()}
        return {uid: files for uid, files in written.items() if files is not None}

    def _prepared_storage(self, directory: str) -> CheckpointStorage:
        from stream_engine.checkpoints.storage import CheckpointStorage, checkpoint_root, default_root

        root = checkpoint_root(directory, "state.checkpoints.dir") if directory else default_root()
        storage = CheckpointStorage(root, self._job_id, self._temporary)
        storage.prepare()
        if self._temporary:
            tell(f"The checkpoints of this job are kept in {storage.directory}")
        return storage

    def _warn_of_unreplayable(self) -> None:
        for task in self._graph.tasks:
            operator = task.head.operator
            if isinstance(operator, ClientSource | SocketTextSource) or (
                isinstance(operator, PythonSource) and not operator.replayable
            ):
                remedy = (
                    ": define snapshot_state() and restore_state(state)" if isinstance(operator, PythonSource) else ""
                )
                made = f", made at {task.head.location}," if task.head.location else ""
                tell(
                    f"The source {task.head.name!r}{made} cannot return to its position at a checkpoint, so some of "
                    f"its records are lost when the job resumes from one{remedy}"
                )

    # --- restarts ----------------------------------------------------------------------------------------------------

    def origin(self) -> tuple[str, Metadata] | None:
        """The directory and metadata of the checkpoint that the next attempt resumes from; None: from the beginning."""
        return self._origin

    def delay(self, failure: AttemptFailed) -> float:
        """How many seconds to wait before the restart. Raises JobExecutionException if there is none."""
        delay = None if failure.final else self._strategy.on_failure(monotonic() * 1000)
        if delay is None:
            raise failure.error
        self._restarts += 1
        damages: list[str] = []
        newest = self._storage.newest(damages) if self._storage is not None else None
        for damage in damages:
            tell(damage)
        if newest is None and damages:
            told = failure.error.failure
            why = "The job is not restarted: none of its checkpoints can be read."
            failed = JobExecutionException.of(told._replace(behind=(*told.behind, why)), self._job_id)
            set_cause(failed, cause_of(failure.error))
            raise failed
        self._origin = newest or self._begun_from
        origin = "the beginning"
        if newest is not None:
            origin = f"checkpoint {newest[1].checkpoint}"
        elif self._origin is not None:
            origin = self._origin[0]
        when = f" in {delay / 1000:.1f} s" if delay >= 100 else ""
        tell(f"Restart {self._restarts} from {origin}{when}: {failure.error.failure.headline}")
        return delay / 1000

    # --- savepoints --------------------------------------------------------------------------------------------------

    def take_savepoint(self) -> None:
        """May be called by a signal handler."""
        if self.checkpoints is not None:
            self.checkpoints.wish(self.savepoints)

    def stop_with_savepoint(self) -> bool:
        """Asks for a savepoint if the job stops with one; returns whether it does. A signal handler may call it."""
        if not self._stops_with_savepoint or not self.savepoints or self.checkpoints is None:
            return False
        self.checkpoints.wish(self.savepoints, stops=True)
        return True

    # --- the end -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Recovery:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """The job has ended: deletes the checkpoints that nobody can resume from."""
        if self._storage is None:
            return
        # A checkpoint that is refused may still be mended, for example its permissions.
        damages: list[str] = []
        newest = None if error is None else self._storage.newest(damages)
        stopped = isinstance(error, JobCancelledException)
        # After a stop, checkpoints stay if the user has named their place, unless there is a savepoint instead.
        if (newest is None and not damages) or (stopped and (self._temporary or error.savepoint)):
            self._storage.delete()
        elif newest is not None:
            how = "stopped" if stopped else "failed"
            tell(f"To resume from the newest checkpoint of the {how} job: -s {newest[0]}")
