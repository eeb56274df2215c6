"""A worker process: slot ``index`` of the job, which runs the subtasks of that index in one loop."""

from __future__ import annotations

import gc
import pickle
from collections import deque
from functools import partial
from math import inf
from time import time
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.configuration import Configuration
from stream_engine.configuration.options import BUFFER_TIMEOUT, CHECKPOINT_MODE, OBJECT_REUSE, STATE_BACKEND
from stream_engine.graph.job_graph import JobGraph, has_event_windows
from stream_engine.graph.specs import PUSHING_SOURCES, ClientSource
from stream_engine.local.accumulators import packed
from stream_engine.local.deadline import cancellation_timeout, deadline_in, unpacked_deadline
from stream_engine.local.heartbeats import frequency, start_heart
from stream_engine.local.worker.biased_lock import BiasedLock
from stream_engine.local.worker.cancellation import Cancellation
from stream_engine.local.worker.client_reader import ClientReader
from stream_engine.local.worker.console import ConsoleWriter, flush_streams, redirect_streams
from stream_engine.local.worker.exchange_writer import ExchangeWriter
from stream_engine.local.worker.exit_handlers import run_exit_handlers
from stream_engine.local.worker.inbox import Inbox
from stream_engine.local.worker.logs import forward
from stream_engine.local.worker.null_meter import NullMeter
from stream_engine.local.worker.push_source import PushSource, guard_of
from stream_engine.local.worker.push_sources import PushSources
from stream_engine.local.worker.recursion_limit import allow_depth_of
from stream_engine.local.worker.switchboard import Switchboard
from stream_engine.operators.accumulators import Accumulators
from stream_engine.operators.ownership import Plainness
from stream_engine.operators.tables import MemoryTables
from stream_engine.task.failure import Cancelled, send_failure
from stream_engine.task.sources import pull_source
from stream_engine.task.subtask import Subtask
from stream_engine.task.timers import Timers
from stream_engine.task.writers import open_writer
from stream_engine.wire.messages import CheckpointEnd, CheckpointOrder, Kind, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from socket import socket

    from stream_engine.graph.job_graph import Task
    from stream_engine.graph.specs import Sink
    from stream_engine.local.late_records import LateReporter
    from stream_engine.local.worker.checkpoints.round import Checkpoints
    from stream_engine.operators.operator import Writer
    from stream_engine.operators.tables import Tables
    from stream_engine.task.host import Channel
    from stream_engine.task.sources import Reader
    from stream_engine.task.timers import Owner
    from stream_engine.wire.deployment import Deployment
    from stream_engine.wire.messages import Frame

# Collecting garbage costs 10-20 % of a loop that makes many records; few of them ever are in a cycle.
_GC_THRESHOLDS = (200_000, 20, 20)
# Seconds; the system's own limit is about 24 days, and a window may be longer.
_LONGEST_SLEEP = 86_400


def run_worker(index: int, control: socket, peers: dict[int, socket], lifeline: int) -> int:
    """Waits for a job, runs its share, and returns the exit code of the process. See lifeline for the last argument."""
    import faulthandler

    faulthandler.enable()
    worker = Worker(index, control, peers, lifeline)
    redirect_streams(worker.control)
    status = worker.run()
    try:
        run_exit_handlers()
    finally:
        worker.say_last_words()
    return status


class Worker:
    """One loop over sockets, timers, inputs and sources; downstream work first, so that little is under way.

    With push sources the loop takes turns with their threads; all other state is touched by the turn's holder only.
    """

    def __init__(self, index: int, control: socket, peers: dict[int, socket], lifeline: int) -> None:
        self.index, self.attempt = index, 0
        self._lifeline = lifeline
        self.now = int(time() * 1000)
        self.accumulators = Accumulators()
        self.tables: Tables = MemoryTables()
        self.turn = BiasedLock()
        self.guard = partial(guard_of, self.turn)
        self._switchboard = Switchboard(control, peers, self._on_control)
        self.control, self.peers = self._switchboard.control, self._switchboard.peers
        # Ends the loop's sleep; from any thread.
        self.wake = self._switchboard.wake
        self.cancelled = False
        # When the coordinator kills this process, once it has said so.
        self._deadline: float | None = None
        self.watched, self.meter = False, NullMeter()
        self._timers = Timers()
        self._local: dict[int, Subtask] = {}
        self._writers_of: dict[int, list[ExchangeWriter]] = {}
        self._subtasks: list[Subtask] = []
        self._readers: dict[int, Reader] = {}
        self._pushing = PushSources(self.turn, self._switchboard.select, self.wake, self._look)
        self.source_awoke = self._pushing.on_awake
        self._by_kind: dict[int, Callable[[Frame], None]] = {
            Kind.CANCEL: self._on_cancel,
            Kind.COMMIT: self._on_commit,
            Kind.TRIGGER: self._on_trigger,
            Kind.CHECKPOINT_ENDED: self._on_checkpoint_ended,
            Kind.CLIENT_BATCH: self._on_client_batch,
            Kind.CLIENT_END: self._on_client_end,
            Kind.LOOP_PROBE: self._on_loop_probe,
            Kind.LOOP_END: self._on_loop_end,
        }
        # What the coordinator has asked for, in order, to be done between two records; what gives False has to wait.
        self._agenda: deque[Callable[[], bool | None]] = deque()
        self._checkpoints: Checkpoints | None = None
        self._late: LateReporter | None = None
        self.graph = JobGraph((), (), timestamped=False)
        self.configuration = Configuration()

    # --- life --------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        try:
            self._deploy()
            self._loop()
        except Cancelled:
            self._stop()
            return 0
        except BaseException as error:
            self._fail(error)
            return 1

    def _deploy(self) -> None:
        frames = self._switchboard.first_frames()
        if self.control.closed:
            raise Cancelled
        assert frames[0].kind == Kind.DEPLOY
        deployment: Deployment = pickle.loads(frames[0].payload)
        self.watched, self.attempt = deployment.watched, deployment.attempt
        if deployment.levels is not None:
            forward(self, deployment.levels)
        self.configuration: Configuration = pickle.loads(deployment.configuration)
        start_heart(self.control, frequency(self.configuration), self._lifeline)
        # What few jobs need is imported for those.
        if self.configuration.get(STATE_BACKEND) != "hashmap":
            from stream_engine.local.worker.tables import tables_on_disk

            self.tables = tables_on_disk(self.configuration, self.index)
        self.buffer_timeout: int = self.configuration.get(BUFFER_TIMEOUT)
        if deployment.prepare is not None:
            pickle.loads(deployment.prepare)()
        self.graph = pickle.loads(deployment.graph)
        local = self._local
        # Last first: the code of a chain calls that of the chains behind it.
        for task in reversed(self.graph.tasks):
            if self.index < task.parallelism:
                local[task.id] = Subtask(self, self.graph, task)
        self._subtasks = list(local.values())
        inbox = Inbox(self.graph, local, self._writers_of, self.control, self.peers)
        self._loops = inbox.loops
        sources = {
            subtask: self._source(subtask, deployment.splits)
            for subtask in self._subtasks
            if subtask.task.head.is_source
        }
        if any(has_event_windows(node) for task in self.graph.tasks for node in task.operators):
            from stream_engine.local.late_records import LateReporter

            self._late = LateReporter(self.control, self._subtasks)
        if deployment.checkpointed:
            self._checkpoints = self._make_checkpoints(sources)
        if deployment.origin is not None:
            from stream_engine.local.worker.checkpoints.restoration import restore

            restore(deployment.origin, self.graph, self._subtasks, sources)
        for subtask in self._subtasks:
            subtask.open()
            source = sources.get(subtask)
            if isinstance(source, PushSource):
                self._pushing.add(source)
                source.open()
            elif source is not None:
                self._readers[subtask.task.id] = source
        self._switchboard.listen_to_peers(inbox.on_frame)
        # Such as the end of a collection without elements: it is for a reader, which had to be made first.
        for frame in frames[1:]:
            self._on_control(frame)
        if deployment.levels is None:
            # By now what uses logging has been loaded, and opened, and perhaps configured it.
            forward(self, None)
        allow_depth_of(self.graph)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        if self.watched:
            from stream_engine.local.worker.metrics.meter import Meter

            self.meter = Meter(self.control, self._subtasks, self._writers_of, self._readers, list(self._pushing))
            self._switchboard.meter = self.meter
        self._pushing.start()

    def _source(self, subtask: Subtask, splits: dict[int, Any]) -> Reader | PushSource:
        """The source at the head of a subtask."""
        operator = subtask.task.head.operator
        if isinstance(operator, ClientSource):
            return ClientReader(self.control, subtask.task.head.id)
        if isinstance(operator, PUSHING_SOURCES):
            return PushSource(self, subtask)
        return pull_source(subtask, splits)

    def _make_checkpoints(self, sources: Mapping[Subtask, Reader | PushSource]) -> Checkpoints:
        """Lets all subtasks take part in checkpoints."""
        # What few jobs need is imported for those.
        from stream_engine.local.worker.checkpoints.round import Checkpoints
        from stream_engine.local.worker.checkpoints.writer import SnapshotWriter

        exactly_once = self.configuration.get(CHECKPOINT_MODE) == "exactly_once"
        writer = SnapshotWriter(self.index, self.control)
        checkpoints = Checkpoints(self._subtasks, writer, exactly_once, self.on_pause)
        for subtask in self._subtasks:
            checkpoints.align(subtask, self._writers_of[subtask.task.id], sources.get(subtask))
        return checkpoints

    def _stop(self) -> None:
        """The job is over before its end: sources are cancelled and operators closed, whatever that raises."""
        self.cancelled = True
        if self._deadline is None:
            self._deadline = deadline_in(cancellation_timeout(self.configuration))
        # The last report comes first: a reader that is closed looks like one that has read everything.
        self.meter.close()
        stopping = Cancellation(self.graph, self.index, self._deadline)
        stopping.run(self._pushing, self._subtasks, self._readers.values())
        self.say_last_words()

    def say_last_words(self) -> None:
        """Returns when the coordinator has all that this worker has said."""
        flush_streams()
        if self._late is not None:
            self._late.report()
        self.control.drain()

    def _fail(self, error: BaseException) -> None:
        send_failure(error, self.graph, self.index, partial(self.control.send, Kind.FAILED, 0))
        self._stop()

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _loop(self) -> NoReturn:
        """Ends with the job, by raising Cancelled."""
        busy = True
        finished = False
        flushed = self.now
        while True:
            if self._pushing:
                self._pushing.sleep(0 if busy else self._until_timer())
                self._poll(0)
            else:
                self._poll(0 if busy else self._until_timer())
            while self._agenda and self._agenda[0]() is not False:
                self._agenda.popleft()
            self._check_cancelled()
            self._timers.run(self.now, self.meter.run)
            self._pushing.reap()
            busy = self._work()
            if not busy or (self.buffer_timeout >= 0 and self.now - flushed >= self.buffer_timeout):
                frames = self._switchboard.frames
                self._flush()
                flushed = self.now
                if self._late is not None:
                    self._late.tick(self.now)
                # Where flushing had to wait for a receiver, it has taken in what else there was.
                busy = busy or self._switchboard.frames != frames
            if self._loops:
                busy = self._loops.tend(busy, self.now)
            if not (finished or self._subtasks_left()):
                finished = True
                self.meter.close()
                flush_streams()
                if self._late is not None:
                    self._late.report()
                self.control.send(Kind.FINISHED, 0, packed(self.accumulators))

    def _subtasks_left(self) -> bool:
        return any(not subtask.finished for subtask in self._subtasks)

    def _work(self) -> bool:
        """One step of the work furthest downstream; whether there was any."""
        for subtask in self._subtasks:
            if subtask.ready:
                self.meter.run(subtask)
                subtask.work()
                return True
        worked = False
        for task, reader in list(self._readers.items()):
            subtask = self._local[task]
            if subtask.paused:
                continue
            records = reader.read(subtask.pace.records)
            if records is None:
                del self._readers[task]
                # Not closed before: where it has come to is remembered.
                subtask.finish()
                reader.close()
                worked = True
            elif records:
                self.meter.run(subtask)
                subtask.process_source(records)
                worked = True
        return worked

    def work_downstream(self, first: int | None) -> None:
        """Called where a receiver must catch up before more can be sent: processes input of task ``first`` and later.

        Those tasks are never in the middle of a record then: what calls this is upstream of all of them.
        """
        self._check_cancelled()
        suspended = self.meter.suspend()
        for subtask in self._subtasks:
            if first is not None and subtask.task.id >= first and subtask.ready:
                self.meter.run(subtask)
                subtask.work()
                self._poll(0)
                break
        else:
            self._poll(None)
        self.meter.resume(suspended)
        if self._pushing:
            # In a source's thread, perhaps, while the loop sleeps: what has come in is for the loop.
            self.wake()

    def _flush(self) -> None:
        for subtask in reversed(self._subtasks):
            subtask.flush()
            for writer in self._writers_of[subtask.task.id]:
                # A loop whose records lay in buffers would never be found empty.
                if self.buffer_timeout >= 0 or writer.loop is not None:
                    writer.flush()

    # --- frames and timers ------------------------------------------------------------------------------------------

    def _poll(self, timeout: float | None) -> None:
        self._switchboard.poll(timeout)
        self.cancelled = self.cancelled or self.control.closed
        self.now = int(time() * 1000)

    def _look(self) -> None:
        """Called without the turn. Raises Cancelled when the job is over."""
        for frame in self._switchboard.look():
            if frame.kind == Kind.CANCEL:
                self._on_control(frame)
        self.cancelled = self.cancelled or self.control.closed
        self._check_cancelled()

    def _on_control(self, frame: Frame) -> None:
        self._by_kind[frame.kind](frame)

    def _on_cancel(self, frame: Frame) -> None:
        self.cancelled = True
        self._deadline = unpacked_deadline(frame.payload)

    def _on_loop_probe(self, frame: Frame) -> None:
        self._loops.by_id[frame.exchange].on_probe()

    def _on_loop_end(self, frame: Frame) -> None:
        self._agenda.append(self._loops.by_id[frame.exchange].end)

    def _on_trigger(self, frame: Frame) -> None:
        assert self._checkpoints is not None
        self._agenda.append(partial(self._checkpoints.trigger, unpacked(frame, CheckpointOrder)))

    def _on_checkpoint_ended(self, frame: Frame) -> None:
        assert self._checkpoints is not None
        number, counts = unpacked(frame, CheckpointEnd)
        # At once, as what waits for it may keep the worker from coming to anything else.
        self._checkpoints.end(number, counts)
        if counts:
            self._agenda.append(partial(self._checkpoints.on_complete, number))

    def _on_commit(self, _: Frame) -> None:
        self._agenda.append(self._commit)

    def _on_client_batch(self, frame: Frame) -> None:
        self._client_reader(frame).feed(frame.payload)

    def _on_client_end(self, frame: Frame) -> None:
        self._client_reader(frame).end()

    def _client_reader(self, frame: Frame) -> ClientReader:
        reader = next(self._readers[task.id] for task in self.graph.tasks if task.head.id == frame.exchange)
        assert isinstance(reader, ClientReader)
        return reader

    def _check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled

    def schedule(self, time: int, owner: Owner, action: Callable[[], None]) -> None:
        """Calls ``action`` at ``time`` (ms), unless ``owner`` has finished by then."""
        self._timers.schedule(time, owner, action)

    def acknowledge(self, channel: Channel) -> None:
        """A frame has been processed: its sender gets a credit for another one."""
        exchange, sender = channel
        self.peers[sender].send(Kind.CREDIT, exchange)

    def on_pause(self) -> None:
        """Other subtasks are paused than before."""
        self._timers.resume()
        self.wake()

    def _commit(self) -> None:
        for subtask in self._subtasks:
            subtask.commit()
        self.control.send(Kind.COMMITTED)

    def _until_timer(self) -> float | None:
        next_timer = min(self._timers.next, self._loops.deadline)
        return None if next_timer == inf else min(max(0.0, next_timer / 1000 - time()), _LONGEST_SLEEP)

    def exits(self, task: Task) -> list[ExchangeWriter]:
        """The sending side of what leaves ``task``; the tasks behind it are made already, but for feedback."""
        reuses = self.configuration.get(OBJECT_REUSE)
        writers: list[ExchangeWriter] = []
        for exchange in self.graph.outputs(task.id):
            target = self.graph.tasks[exchange.target_task]
            peers = {peer: connection for peer, connection in self.peers.items() if peer < target.parallelism}
            # Unknown of records that are not looked at; and what times are like is never looked at.
            plainness = Plainness(not reuses and not self.graph.timestamped)
            local, timeout = self._local.get(target.id), self.buffer_timeout
            writers.append(
                ExchangeWriter(self.index, exchange, target, local, peers, plainness, timeout, self.work_downstream)
            )
        self._writers_of[task.id] = writers
        return writers

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        """Opens what is behind a sink. Raises OSError."""
        return open_writer(
            sink,
            self.index,
            parallelism,
            positions,
            ConsoleWriter(self.control, lambda: self.cancelled, self.work_downstream),
        )
