"""A worker process: slot ``index`` of the job, which runs the subtasks of that index in one loop."""

from __future__ import annotations

import gc
import pickle
from collections import deque
from functools import partial
from math import inf
from time import time
from typing import TYPE_CHECKING, NoReturn

from stream_engine.configuration import Configuration
from stream_engine.graph.job_graph import JobGraph, has_event_windows
from stream_engine.local import logs
from stream_engine.local.accumulators import packed
from stream_engine.local.deadline import cancellation_timeout, deadline_in, unpacked_deadline
from stream_engine.local.heartbeats import frequency, start_heart
from stream_engine.local.unwatched import NullMeter
from stream_engine.local.worker.biased_lock import BiasedLock
from stream_engine.local.worker.cancellation import Cancellation
from stream_engine.local.worker.console import ConsoleWriter, flush_streams, redirect_streams
from stream_engine.local.worker.exchange_writer import ExchangeWriter
from stream_engine.local.worker.exit_handlers import run_exit_handlers
from stream_engine.local.worker.inbox import Inbox
from stream_engine.local.worker.push_sources import PushSources
from stream_engine.local.worker.recursion_limit import allow_depth_of
from stream_engine.local.worker.switchboard import Switchboard
from stream_engine.operators.accumulators import Accumulators
from stream_engine.operators.tables import MemoryTables
from stream_engine.task.failure import Cancelled, send_failure
from stream_engine.task.sources import ClientReader, PushSource, source_of
from stream_engine.task.subtask import Subtask
from stream_engine.task.timers import Timers
from stream_engine.task.writers import open_writer
from stream_engine.wire.connection import (
    CANCEL,
    CHECKPOINT_ENDED,
    CLIENT_BATCH,
    CLIENT_END,
    COMMIT,
    COMMITTED,
    DEPLOY,
    FAILED,
    FINISHED,
    LOOP_END,
    LOOP_PROBE,
    TRIGGER,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from socket import socket

    from stream_engine.graph.job_graph import Task
    from stream_engine.graph.specs import Sink
    from stream_engine.local.late_records import LateReporter
    from stream_engine.local.worker.checkpoints.round import Checkpoints
    from stream_engine.operators.operator import Writer
    from stream_engine.operators.tables import Tables
    from stream_engine.task.sources import Reader
    from stream_engine.wire.connection import Frame
    from stream_engine.wire.deployment import Deployment

# Collecting garbage costs 10-20 % of a loop that makes many records; few of them ever are in a cycle.
_GC_THRESHOLDS = (200_000, 20, 20)
# Seconds; the system's own limit is about 24 days, and a window may be longer.
_LONGEST_SLEEP = 86_400


def run_worker(index: int, control: socket, peers: dict[int, socket], lifeline: int) -> int:
    """Waits for a job, runs its share, and returns the exit code of the process. See lifeline for the last argument."""
    import faulthandler

    faulthandler.enable()
    worker = Worker(index, control, peers, lifeline)
    redirect_streams(worker)
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
        self._gates_of: dict[int, list[ExchangeWriter]] = {}
        self._subtasks: list[Subtask] = []
        self._readers: dict[int, Reader] = {}
        self._pushing = PushSources(self.turn, self._switchboard.select, self.wake, self._look)
        self.source_awoke = self._pushing.on_awake
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
        assert frames[0].kind == DEPLOY
        deployment: Deployment = pickle.loads(frames[0].payload)
        self.watched, self.attempt = deployment.watched, deployment.attempt
        if deployment.levels is not None:
            logs.forward(self, deployment.levels)
        self.configuration: Configuration = pickle.loads(deployment.configuration)
        start_heart(self.control, frequency(self.configuration), self._lifeline)
        # What few jobs need is imported for those.
        if self.configuration.get("state.backend") != "hashmap":
            from stream_engine.local.worker.tables import tables_on_disk

            self.tables = tables_on_disk(self.configuration, self.index)
        self.buffer_timeout: int = self.configuration.get("execution.buffer-timeout")
        if deployment.prepare is not None:
            pickle.loads(deployment.prepare)()
        self.graph = pickle.loads(deployment.graph)
        local = self._local
        # Last first: the code of a chain calls that of the chains behind it.
        for task in reversed(self.graph.tasks):
            if self.index < task.parallelism:
                local[task.id] = Subtask(self, self.graph, task)
        self._subtasks = list(local.values())
        routes = Inbox(self.graph, local, self._gates_of, self.control, self.peers)
        self._loops = routes.loops
        sources = {
            subtask: source_of(self, subtask, deployment.splits)
            for subtask in self._subtasks
            if subtask.task.head.is_source
        }
        if any(has_event_windows(node) for task in self.graph.tasks for node in task.operators):
            from stream_engine.local.late_records import LateReporter

            self._late = LateReporter(self.control, self._subtasks)
        if deployment.checkpointed:
            from stream_engine.local.worker.checkpoints.round import make_checkpoints

            self._checkpoints = make_checkpoints(self, self._subtasks, self._gates_of, sources)
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
        self._switchboard.listen_to_peers(routes.on_frame)
        # Such as the end of a collection without elements: it is for a reader, which had to be made first.
        for frame in frames[1:]:
            self._on_control(frame)
        if deployment.levels is None:
            # By now what uses logging has been loaded, and opened, and perhaps configured it.
            logs.forward(self, None)
        allow_depth_of(self.graph)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        if self.watched:
            from stream_engine.local.worker.metrics.meter import Meter

            pushing = [source for source in sources.values() if isinstance(source, PushSource)]
            self.meter = Meter(self.control, self._subtasks, self._gates_of, self._readers, pushing)
            self._switchboard.meter = self.meter
        self._pushing.start()

    @property
    def checkpoints(self) -> Checkpoints:
        """Raises AssertionError in a job without them."""
        assert self._checkpoints is not None
        return self._checkpoints

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
        self._switchboard.drain()

    def _fail(self, error: BaseException) -> None:
        send_failure(error, self.graph, self.index, partial(self.control.send, FAILED, 0))
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
                self.control.send(FINISHED, 0, packed(self.accumulators))

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
        """Called where a receiver must catch up before more can be sent: works off input of task ``first`` and later.

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
            for gate in self._gates_of[subtask.task.id]:
                # A loop whose records lay in buffers would never be found empty.
                if self.buffer_timeout >= 0 or gate.loop is not None:
                    gate.flush()

    # --- frames and timers ------------------------------------------------------------------------------------------

    def _poll(self, timeout: float | None) -> None:
        self._switchboard.poll(timeout)
        self.cancelled = self.cancelled or self.control.closed
        self.now = int(time() * 1000)

    def _look(self) -> None:
        """Called without the turn. Raises Cancelled when the job is over."""
        for frame in self._switchboard.look():
            if frame.kind == CANCEL:
                self._on_control(frame)
        self.cancelled = self.cancelled or self.control.closed
        self._check_cancelled()

    def _on_control(self, frame: Frame) -> None:
        if frame.kind == CANCEL:
            self.cancelled = True
            self._deadline = unpacked_deadline(frame.payload)
        elif frame.kind == LOOP_PROBE:
            self._loops.by_id[frame.exchange].on_probe()
        elif frame.kind == LOOP_END:
            self._agenda.append(self._loops.by_id[frame.exchange].end)
        elif frame.kind in (TRIGGER, CHECKPOINT_ENDED):
            action = self.checkpoints.on_word(frame)
            if action is not None:
                self._agenda.append(action)
        elif frame.kind == COMMIT:
            self._agenda.append(self._commit)
        else:
            reader = next(self._readers[task.id] for task in self.graph.tasks if task.head.id == frame.exchange)
            assert isinstance(reader, ClientReader)
            if frame.kind == CLIENT_BATCH:
                reader.feed(frame.payload)
            elif frame.kind == CLIENT_END:
                reader.end()

    def _check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled

    def schedule(self, time: int, subtask: Subtask, action: Callable[[], None]) -> None:
        """Calls ``action`` at ``time`` (ms), unless ``subtask`` has finished by then."""
        self._timers.schedule(time, subtask, action)

    def on_pause(self) -> None:
        """Other subtasks are paused than before."""
        self._timers.resume()
        self.wake()

    def _commit(self) -> None:
        for subtask in self._subtasks:
            subtask.commit()
        self.control.send(COMMITTED)

    def _until_timer(self) -> float | None:
        next_timer = min(self._timers.next, self._loops.deadline)
        return None if next_timer == inf else min(max(0.0, next_timer / 1000 - time()), _LONGEST_SLEEP)

    def gates(self, task: Task) -> list[ExchangeWriter]:
        """The sending side of what leaves ``task``; the tasks behind it are made already, but for feedback."""
        gates: list[ExchangeWriter] = []
        for exchange in self.graph.outputs(task.id):
            target = self.graph.tasks[exchange.target_task]
            peers = {peer: connection for peer, connection in self.peers.items() if peer < target.parallelism}
            gates.append(ExchangeWriter(self, exchange, target, self._local.get(target.id), peers))
        self._gates_of[task.id] = gates
        return gates

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        """Opens what is behind a sink. Raises OSError."""
        return open_writer(sink, self.index, parallelism, positions, ConsoleWriter(self))
