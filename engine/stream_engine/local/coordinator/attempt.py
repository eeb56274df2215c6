"""One attempt at a job: newly forked workers, from their deployment to the end of the last of them."""

from __future__ import annotations

import selectors
import signal
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from stream_engine import logs
from stream_engine.failures.failure import Failure
from stream_engine.graph.specs import FunctionSink, KafkaSink, TextFileSink
from stream_engine.job import JobExecutionException
from stream_engine.local.coordinator.failure import AttemptFailed
from stream_engine.local.coordinator.logs import handle, levels
from stream_engine.local.coordinator.loops import LoopReferee
from stream_engine.local.deadline import EXIT_GRACE, cancellation_timeout, deadline_in, packed_deadline, seconds_to
from stream_engine.local.forkserver.process_groups import kill_worker
from stream_engine.local.heartbeats import Heartbeats
from stream_engine.local.output import tell, write_error
from stream_engine.wire.connection import Connection
from stream_engine.wire.messages import Acknowledgement, Counts, Kind, Refusal, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.local.coordinator.checkpoints import CheckpointCoordinator
    from stream_engine.local.coordinator.client_source import ClientSources
    from stream_engine.local.coordinator.stopping import Stopping
    from stream_engine.local.forkserver.client import Child, ForkServer
    from stream_engine.local.late_records import LateRecords
    from stream_engine.local.null_monitor import NullMonitor
    from stream_engine.local.output import Output
    from stream_engine.wire.deployment import Deployment
    from stream_engine.wire.messages import Frame

# How long killed workers may take to end, in seconds; the fork server may not notice their end.
_KILLED = 2.5


class Parts(NamedTuple):
    """The parts of a job that outlive its attempts. ``late`` is None in jobs without event-time windows."""

    stopping: Stopping
    sources: ClientSources
    output: Output
    checkpoints: CheckpointCoordinator | None
    monitor: NullMonitor
    late: LateRecords | None


class Attempt:
    """The workers of one attempt. ``run`` leaves none of them behind, whatever happens."""

    def __init__(
        self, server: ForkServer, job_id: str, graph: JobGraph, configuration: Configuration, parts: Parts
    ) -> None:
        self._server = server
        self._job_id = job_id
        self._graph = graph
        self._stop, self._sources, self._output, self._checkpoints, self._monitor, self._late = parts
        self._children: list[Child] = []
        self._connections: list[Connection] = []
        self._alive: set[int] = set()
        self._finished: dict[int, bytes] = {}
        self._committed: set[int] = set()
        self._commits = any(_commits(node) for task in self._graph.tasks for node in task.operators)
        # Whether the last checkpoint was asked for; whether the result may count; whether the workers may end.
        self._kept = self._counts = self._over = False
        self._referees: list[LoopReferee] = []
        self._configuration = configuration
        self._failure: AttemptFailed | None = None
        # How long workers may take to cancel sources and close operators, in seconds, and until when.
        self._grace = cancellation_timeout(configuration)
        self._deadline: float | None = None
        self._told_to_stop = self._killed = False
        self._killed_until = 0.0
        self._by_kind: dict[int, Callable[[int, Frame], None]] = {
            Kind.CONSOLE: self._on_console,
            Kind.ERRORS: lambda worker, frame: write_error(frame.payload),
            Kind.LOG: lambda worker, frame: handle(frame.payload),
            Kind.STATUS: lambda worker, frame: self._monitor.on_report(frame.payload),
            Kind.LATE: self._on_late,
            Kind.FAILED: self._on_failed,
            Kind.FINISHED: self._on_finished,
            Kind.COMMITTED: lambda worker, frame: self._committed.add(worker),
            Kind.DEMAND: lambda worker, frame: self._sources.on_demand(frame.exchange),
            Kind.LOOP_REPORT: self._on_loop_report,
            Kind.LOOP_PROBE: self._on_loop_answer,
            Kind.ACKNOWLEDGED: self._on_acknowledged,
            Kind.DECLINED: self._on_declined,
            # Any frame shows that the worker lives; this one has no other use.
            Kind.HEARTBEAT: lambda worker, frame: None,
        }

    def run(self, deployment: Deployment) -> list[bytes]:
        """Returns the packed accumulators of the workers, complete if the job has finished.

        Also returns when the job was stopped. Raises AttemptFailed.
        """
        with selectors.DefaultSelector() as self._selector:
            try:
                self._children = self._server.fork(
                    self._graph.reach, lambda: self._stop.signal is not None, _modules_of(deployment)
                )
            except (EOFError, OSError) as error:
                if self._stop.signal is not None:
                    return []
                summary = f"The job's {self._graph.slots} workers cannot be started: {error}."
                raise AttemptFailed.of(summary, self._job_id, error, final=True) from error
            self._alive = {child.pid for child in self._children}
            logs.debug("The workers have the process ids %s", ", ".join(map(str, sorted(self._alive))))
            try:
                self._start(deployment)
                while self._alive:
                    self._step()
            except EOFError:
                summary = "The process that starts the workers was killed, so the job cannot continue."
                self._fail(AttemptFailed.of(summary, self._job_id, final=True))
            finally:
                self._kill_rest()
        if self._failure is not None:
            raise self._failure
        return [payload for _, payload in sorted(self._finished.items())]

    def _start(self, deployment: Deployment) -> None:
        self._selector.register(self._stop.waker, selectors.EVENT_READ, None)
        self._selector.register(self._server, selectors.EVENT_READ, None)
        order = packed(deployment._replace(levels=levels()))
        for child in self._children:
            connection = Connection(child.control, lambda _: self._stop.waker.wake())
            self._connections.append(connection)
            self._selector.register(child.control, selectors.EVENT_READ, connection)
            connection.send(Kind.DEPLOY, 0, order)
        self._referees = [
            LoopReferee(i, self._connections[: max(self._graph.tasks[task].parallelism for task in tasks)])
            for i, tasks in enumerate(self._graph.loops)
        ]
        self._heartbeats = Heartbeats(len(self._children), self._configuration)
        if self._checkpoints is not None:
            self._checkpoints.attach(self._connections)
        self._sources.attach(self._connections[0])
        if self._late is not None:
            self._late.begin_attempt()
        self._monitor.started()

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        for key, mask in self._selector.select(self._monitor.patience(self._time_left())):
            connection: Connection | None = key.data
            if connection is None:
                if key.fileobj is self._stop.waker:
                    self._stop.waker.clear()
                continue
            if mask & selectors.EVENT_WRITE and connection.write():
                self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
            if mask & selectors.EVENT_READ:
                self._receive(connection)
        for connection in self._connections:
            if connection.backlog and not connection.closed:
                both = selectors.EVENT_READ | selectors.EVENT_WRITE
                self._selector.modify(connection.socket, both, connection)
        self._monitor.tick()
        if self._late is not None:
            self._late.tick()
        self._see_exits()
        if self._heartbeats.time_left() == 0:
            self._see_silence()
        if self._sources.failure is not None:
            self._fail(self._sources.failure)
        if self._stopping:
            self._stop_workers()
        elif self._checkpoints is not None and self._checkpoints.time_left() == 0:
            self._checkpoint(lambda checkpoints: checkpoints.tick())
        if len(self._finished) == len(self._children) and not self._stopping:
            self._conclude()

    @property
    def _stopping(self) -> bool:
        return self._stop.signal is not None or self._failure is not None

    def _time_left(self) -> float | None:
        """How many seconds there are until something has to be done, even if nothing comes in."""
        if self._told_to_stop:
            return max(0.0, self._killed_until - monotonic()) if self._killed else seconds_to(self._deadline)
        left = self._heartbeats.time_left()
        checkpoint = self._checkpoints.time_left() if self._checkpoints is not None else None
        return left if checkpoint is None else min(left, checkpoint)

    def _receive(self, connection: Connection) -> None:
        frames = connection.read()
        if connection.closed:
            self._selector.unregister(connection.socket)
        worker = self._connections.index(connection)
        self._heartbeats.on_sign(worker)
        for frame in frames:
            self._on_frame(worker, frame)

    def _on_frame(self, worker: int, frame: Frame) -> None:
        self._by_kind[frame.kind](worker, frame)

    def _on_console(self, worker: int, frame: Frame) -> None:
        lost = self._output.write(frame.payload)
        if lost is not None:
            self._stop.on_reader_lost(lost)

    def _on_late(self, worker: int, frame: Frame) -> None:
        assert self._late is not None
        self._late.on_report(worker, frame.exchange, int(frame.payload))

    def _on_failed(self, worker: int, frame: Frame) -> None:
        failure = unpacked(frame, Failure)
        if not self._stopping and failure.task is not None:
            self._monitor.subtasks_failed(worker, failure.task)
        self._fail(AttemptFailed(JobExecutionException.of(failure, self._job_id), failure.final))

    def _on_finished(self, worker: int, frame: Frame) -> None:
        self._finished[worker] = frame.payload
        if self._checkpoints is not None and len(self._finished) == len(self._children):
            self._checkpoints.cease()

    def _on_loop_report(self, worker: int, frame: Frame) -> None:
        self._referees[frame.exchange].on_report(worker, unpacked(frame, Counts))

    def _on_loop_answer(self, worker: int, frame: Frame) -> None:
        self._referees[frame.exchange].on_answer(worker, unpacked(frame, Counts))

    def _on_acknowledged(self, worker: int, frame: Frame) -> None:
        acknowledgement = unpacked(frame, Acknowledgement)
        self._checkpoint(lambda checkpoints: checkpoints.on_acknowledged(worker, acknowledgement))

    def _on_declined(self, worker: int, frame: Frame) -> None:
        refusal = unpacked(frame, Refusal)
        self._checkpoint(lambda checkpoints: checkpoints.on_declined(refusal))

    def _checkpoint(self, action: Callable[[CheckpointCoordinator], None]) -> None:
        assert self._checkpoints is not None
        try:
            action(self._checkpoints)
        except AttemptFailed as failure:
            self._fail(failure)
        if self._checkpoints.last_savepoint is not None:
            self._stop.on_savepoint()

    # --- the end -----------------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        """All records have been processed: takes the last checkpoint, commits, and lets the workers end."""
        if self._over or (self._checkpoints is not None and self._checkpoints.busy):
            return
        if self._commits and not self._kept and self._checkpoints is not None and self._checkpoints.take_last():
            # A transaction can be committed once more after a failure, but its records cannot be written once more.
            self._kept = True
        elif self._commits and not self._counts:
            self._counts = True
            for connection in self._connections:
                connection.send(Kind.COMMIT)
        elif not self._commits or len(self._committed) == len(self._children):
            # Only now: until then each worker may still get frames from others.
            self._over = True
            for connection in self._connections:
                connection.send(Kind.CANCEL)

    def _see_exits(self) -> None:
        for pid, code in self._server.exits():
            index = next((i for i, child in enumerate(self._children) if child.pid == pid), None)
            if index is None or pid not in self._alive:
                continue
            connection = self._connections[index]
            # Its last frames, perhaps a failure, may not have been read yet.
            connection.drained = False
            while not (connection.closed or connection.drained):
                self._receive(connection)
            self._alive.discard(pid)
            if code == -signal.SIGALRM and self._over:
                late = f"threads or exit handlers of its functions did not end within {EXIT_GRACE:g} s"
                tell(f"Worker {index + 1} was killed: {late}.")
            if self._is_needed(index):
                self._fail_worker(index, _exit_message(code))

    def _is_needed(self, worker: int) -> bool:
        """Whether the job still needs the worker."""
        if self._over:
            return False
        # A worker that has finished still has state for the next checkpoint, or something to commit.
        return worker not in self._finished or self._commits or self._checkpoints is not None

    def _see_silence(self) -> None:
        for worker in self._heartbeats.silent():
            if self._children[worker].pid in self._alive:
                timeout = f"{self._heartbeats.timeout:g} s"
                self._fail_worker(worker, f"has sent no heartbeat for {timeout} (heartbeat.timeout)")
                self._server.kill(self._children[worker].pid)

    def _fail_worker(self, index: int, what: str) -> None:
        if not self._stopping:
            self._monitor.subtasks_failed(index)
        self._fail(AttemptFailed.of(self._summary(index, what), self._job_id))

    def _summary(self, index: int, what: str) -> str:
        names = [task.name for task in self._graph.tasks if index < task.parallelism]
        return (
            f"Worker {index + 1} of {len(self._children)} {what}.\n  It ran subtask {index + 1} of: {'; '.join(names)}"
        )

    def _fail(self, failure: AttemptFailed) -> None:
        if not self._stopping:
            self._failure = failure

    def _stop_workers(self) -> None:
        if not self._told_to_stop:
            self._told_to_stop = True
            self._deadline = deadline_in(self._grace)
            for connection in self._connections:
                connection.send(Kind.CANCEL, 0, packed_deadline(self._deadline))
        if self._killed:
            if self._time_left() == 0:
                self._server.abandon()
        elif self._stop.impatient or self._time_left() == 0:
            self._killed_until = monotonic() + _KILLED
            self._killed = True
            for index, child in enumerate(self._children):
                if child.pid in self._alive:
                    self._server.kill(child.pid)
                    # A worker whose connection is closed has ended; the server has just not said so yet.
                    if not (self._stop.impatient or self._connections[index].closed):
                        summary = self._summary(index, f"did not stop within {self._grace:g} s, and is killed")
                        tell(f"While stopping the job: {summary}")

    def _kill_rest(self) -> None:
        self._sources.attach(None)
        try:
            for pid in self._alive:
                self._server.kill(pid)
            while self._alive:
                self._alive -= {pid for pid, _ in self._server.await_exits()}
        except (EOFError, OSError):
            # Without the server, only the system notices their end.
            for pid in self._alive:
                kill_worker(pid)
        for connection in self._connections:
            connection.close()
        if self._checkpoints is not None:
            # Only now: nobody writes to the unfinished checkpoint any more.
            self._checkpoints.detach()


def _modules_of(deployment: Deployment) -> list[str]:
    """Those that each worker needs to unpickle it. With a lambda that is cloudpickle, half of the time of a start."""
    always = [f"stream_engine.{name}" for name in ("wire.deployment", "graph.functions", "graph.location")]
    return [*always, "cloudpickle"] if b"cloudpickle" in deployment.graph else always


def _commits(node: StreamNode) -> bool:
    """Whether an operator keeps something back until the checkpoint is complete that counts it, or the job is."""
    operator = node.operator
    if isinstance(operator, FunctionSink | KafkaSink):
        return operator.transactional
    return isinstance(operator, TextFileSink) and operator.parts


def _exit_message(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended unexpectedly, with exit status {code}"
