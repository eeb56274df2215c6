"""A worker process: slot ``index`` of the job, which runs the subtasks of that index in one loop."""

from __future__ import annotations

import gc
import pickle
import selectors
import sys
from collections import deque
from heapq import heappop, heappush
from io import TextIOWrapper
from itertools import count
from math import inf
from time import time
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.connectors.text_writer import TextWriter
from stream_engine.graph import operators as plan
from stream_engine.graph.job_graph import JobGraph
from stream_engine.local.accumulators import packed
from stream_engine.local.alarm import Alarm
from stream_engine.local.barriers import Alignment
from stream_engine.local.checkpoints import Checkpoints
from stream_engine.local.connection import (
    BARRIER,
    CANCEL,
    COMMIT,
    COMMITTED,
    CREDIT,
    DATA,
    DEPLOY,
    FAILED,
    FED,
    FED_END,
    FINISHED,
    LOOP_END,
    LOOP_PROBE,
    OVER,
    TRIGGER,
    Connection,
    Frame,
)
from stream_engine.local.console import ConsoleStream, ConsoleWriter
from stream_engine.local.failure import Cancelled, describe, packed_failure
from stream_engine.local.heartbeats import frequency, start_heart
from stream_engine.local.loops import LoopMonitor
from stream_engine.local.restoration import restore
from stream_engine.local.snapshots import SnapshotWriter
from stream_engine.local.sources import FedReader, PushSource, pull_source
from stream_engine.local.subtask import Subtask
from stream_engine.local.turn import Seat, Turn
from stream_engine.operators.accumulators import Accumulators

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from socket import socket

    from stream_engine.connectors.socket_writer import SocketWriter
    from stream_engine.local.sources import Reader
    from stream_engine.operators.operator import Writer

# Collecting garbage costs 10-20 % of a loop that makes many records; few of them ever are in a cycle.
_GC_THRESHOLDS = (200_000, 20, 20)
# Seconds; the system's own limit is about 24 days, and a window may be longer.
_LONGEST_SLEEP = 86_400
# How long a record of a push source may wait for others before its buffer is sent, in seconds.
_QUIET = 0.001


class SocketLines:
    """Adapts a socket to a sink's batches, of str or bytes."""

    def __init__(self, writer: SocketWriter) -> None:
        self._writer = writer

    def write(self, lines: list[Any]) -> None:
        self._writer.send(b"".join(line.encode() if isinstance(line, str) else bytes(line) for line in lines))

    def position(self) -> None:
        """What was sent cannot be taken back."""

    def close(self) -> None:
        self._writer.close()


def done(action: Callable[..., None], *arguments: Any) -> Callable[[], bool]:
    """An item of the agenda that never has to wait."""

    def do() -> bool:
        action(*arguments)
        return True

    return do


def run_worker(index: int, control: socket, peers: dict[int, socket]) -> int:
    """Waits for a job, runs its share, and returns the exit code of the process."""
    import faulthandler

    faulthandler.enable()
    if isinstance(sys.stderr, TextIOWrapper):
        # A line is one write, also in an interpreter told not to buffer, or those of several workers would mix.
        sys.stderr.reconfigure(line_buffering=True, write_through=False)
    worker = Worker(index, control, peers)
    sys.stdout = ConsoleStream(worker)
    return worker.run()


class Worker:
    """One loop over sockets, timers, inputs and sources; downstream work first, so that little is under way.

    With push sources the loop takes turns with their threads; all other state is touched by the turn's holder only.
    """

    def __init__(self, index: int, control: socket, peers: dict[int, socket]) -> None:
        self.index = index
        self.now = int(time() * 1000)
        self.accumulators = Accumulators()
        self.turn = Turn()
        self._seat = Seat()
        self._selector = selectors.DefaultSelector()
        self._alarm = Alarm()
        self._selector.register(self._alarm, selectors.EVENT_READ, None)
        self.control = Connection(control, self._on_backlog)
        self.peers = {peer: Connection(socket, self._on_backlog) for peer, socket in peers.items()}
        self.cancelled = False
        # How many frames have come in, to see whether any have since.
        self._frames = 0
        self._armed = False
        self._timers: list[tuple[int, int, Subtask, Callable[[], None]]] = []
        self._timer_serial = count()
        self._subtasks: list[Subtask] = []
        self._readers: dict[int, Reader] = {}
        self._pushing: list[PushSource] = []
        self._loops: dict[int, LoopMonitor] = {}
        # What the coordinator has asked for, in order, to be done between two records; what gives False has to wait.
        self._agenda: deque[Callable[[], bool]] = deque()
        self._checkpoints: Checkpoints | None = None
        self._postponed: list[tuple[int, int, Subtask, Callable[[], None]]] = []
        self.graph = JobGraph((), (), timestamped=False)

    # --- life --------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        self._selector.register(self.control.socket, selectors.EVENT_READ, self.control)
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
        frames: list[Frame] = []
        while not frames:
            self._selector.select()
            frames = self.control.read()
            if self.control.closed:
                raise Cancelled
        assert frames[0].kind == DEPLOY
        prepare, configuration, graph, splits, checkpointed, origin = pickle.loads(frames[0].payload)
        self.configuration = pickle.loads(configuration)
        start_heart(self.control, frequency(self.configuration))
        self.buffer_timeout: int = self.configuration.get("execution.buffer-timeout")
        directories = self.configuration.get("io.tmp.dirs")
        # For the loops' records on their way back: bytes of memory, and where the rest goes.
        self.feedback_space: tuple[int, str | None] = (
            self.configuration.get("iteration.memory"),
            directories[0] if directories else None,
        )
        if prepare is not None:
            pickle.loads(prepare)()
        self.graph = pickle.loads(graph)
        local: dict[int, Subtask] = {}
        # Last first: the code of a chain calls that of the chains behind it.
        for task in reversed(self.graph.tasks):
            if self.index < task.parallelism:
                local[task.id] = Subtask(self, self.graph, task, local)
        self._subtasks = list(local.values())
        self._receivers = {
            exchange.id: local[exchange.target_task]
            for exchange in self.graph.exchanges
            if exchange.target_task in local
        }
        self._gates = {gate.exchange.id: gate for subtask in self._subtasks for gate in subtask.gates}
        self._make_loops(local)
        sources = {
            subtask: pull_source(self, subtask, splits) or PushSource(self, subtask)
            for subtask in self._subtasks
            if subtask.task.head.is_source
        }
        if checkpointed:
            self._prepare_checkpoints(sources)
        if origin is not None:
            restore(origin, self.graph, self._subtasks, sources)
        for subtask in self._subtasks:
            subtask.open()
            source = sources.get(subtask)
            if isinstance(source, PushSource):
                self._pushing.append(source)
                source.open()
            elif source is not None:
                self._readers[subtask.task.id] = source
        for frame in frames[1:]:
            self._on_control(frame)
        for peer in self.peers.values():
            self._selector.register(peer.socket, selectors.EVENT_READ, peer)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        if self._pushing:
            self.turn.take(self._seat)
        for source in self._pushing:
            source.start()

    def _make_loops(self, local: dict[int, Subtask]) -> None:
        monitors = [LoopMonitor(i, self.graph, self._subtasks, self.control) for i in range(len(self.graph.loops))]
        self._loops = {monitor.id: monitor for monitor in monitors if monitor.subtasks}
        self._loop_of = {exchange: monitor for monitor in self._loops.values() for exchange in monitor.exchanges}
        for gate in self._gates.values():
            gate.loop = self._loop_of.get(gate.exchange.id)
            if gate.exchange.feedback and gate.exchange.target_task in local:
                gate.connect(local[gate.exchange.target_task])

    def _prepare_checkpoints(self, sources: Mapping[Subtask, Reader | PushSource]) -> None:
        exactly_once = self.configuration.get("execution.checkpointing.mode") == "exactly_once"
        writer = SnapshotWriter(self.index, self.control)
        self._checkpoints = Checkpoints(self._subtasks, writer, exactly_once, self._reschedule)
        for subtask in self._subtasks:
            subtask.alignment = Alignment(subtask, sources.get(subtask), self._checkpoints)

    @property
    def checkpoints(self) -> Checkpoints:
        assert self._checkpoints is not None
        return self._checkpoints

    def _stop(self) -> None:
        """The job is over before its end: sources are cancelled and operators closed, whatever that raises."""
        self.cancelled = True
        # A source that waits for its turn, or for a checkpoint, gets it, and finds that the job is over.
        for subtask in self._subtasks:
            subtask.resumed.set()
        self.turn.leave(self._seat)
        for action in (
            *(source.cancel for source in self._pushing),
            *(source.close for source in self._pushing),
            *(subtask.close for subtask in self._subtasks),
            *(reader.close for reader in self._readers.values()),
        ):
            try:
                action()
            except BaseException as error:
                sys.stderr.write(f"While the job was stopped: {describe(error, self.graph, self.index).summary}\n")
        sys.stdout.flush()
        self._drain()

    def _fail(self, error: BaseException) -> None:
        self.control.send(FAILED, 0, packed_failure(error, self.graph, self.index))
        self._stop()

    def _drain(self) -> None:
        while self.control.backlog and not self.control.closed:
            self._selector.select(0.1)
            self.control.write()

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _loop(self) -> NoReturn:
        """Ends with the job, by raising Cancelled."""
        busy = True
        flushed = self.now
        finished = False
        while True:
            if self._pushing:
                self._sleep_beside_sources(0 if busy else self._until_timer())
            else:
                self._poll(0 if busy else self._until_timer())
            while self._agenda and self._agenda[0]():
                self._agenda.popleft()
            self._check_cancelled()
            self._run_timers()
            self._reap_sources()
            busy = self._work()
            if not busy or (self.buffer_timeout >= 0 and self.now - flushed >= self.buffer_timeout):
                frames = self._frames
                self._flush()
                flushed = self.now
                # Where flushing had to wait for a receiver, it has taken in what else there was.
                busy = busy or self._frames != frames
            if self._loops:
                busy = self._tend_loops(busy)
            if not (finished or self._subtasks_left()):
                finished = True
                sys.stdout.flush()
                self.control.send(FINISHED, 0, packed(self.accumulators))

    def _tend_loops(self, busy: bool) -> bool:
        """Reports the loops that this worker has nothing to do for."""
        # Flushing may have fed records back.
        busy = busy or any(subtask.ready for subtask in self._subtasks)
        for loop in self._loops.values():
            if busy:
                loop.busy()
            else:
                loop.report(self.now)
        return busy

    def _subtasks_left(self) -> bool:
        return any(not subtask.finished for subtask in self._subtasks)

    def _work(self) -> bool:
        """One step of the work furthest downstream; whether there was any."""
        for subtask in self._subtasks:
            if subtask.ready:
                subtask.work()
                return True
        worked = False
        for task, reader in list(self._readers.items()):
            subtask = next(subtask for subtask in self._subtasks if subtask.task.id == task)
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
                subtask.process_source(records)
                worked = True
        return worked

    def work_downstream(self, first: int | None) -> None:
        """Called where a receiver must catch up before more can be sent: works off input of task ``first`` and later.

        Those tasks are never in the middle of a record then: what calls this is upstream of all of them.
        """
        self._check_cancelled()
        for subtask in self._subtasks:
            if first is not None and subtask.task.id >= first and subtask.ready:
                subtask.work()
                self._poll(0)
                break
        else:
            self._poll(None)
        if self._pushing:
            # In a source's thread, perhaps, while the loop sleeps: what has come in is for the loop.
            self.wake()

    def _flush(self) -> None:
        for subtask in reversed(self._subtasks):
            subtask.chain.flush()
            for gate in subtask.gates:
                # A loop whose records lay in buffers would never be found empty.
                if self.buffer_timeout >= 0 or gate.loop is not None:
                    gate.flush()

    # --- beside push sources -----------------------------------------------------------------------------------------

    def _sleep_beside_sources(self, timeout: float | None) -> None:
        """Leaves the turn to the sources for a moment, and until one of them or a socket or timer has something."""
        if timeout == 0:
            if self.turn.holder is not self._seat:
                # A source waits; or this worker's other work would keep it waiting to the end.
                self.turn.leave(self._seat)
                self._selector.select(_QUIET)
                self.turn.take(self._seat)
        else:
            self.turn.leave(self._seat)
            self._selector.select(_QUIET if timeout is None else min(_QUIET, timeout))
            if self.turn.holder is self._seat:
                # No source came by since the last flush: the next record of one is to wake this thread.
                self._armed = True
                if self.turn.holder is self._seat and not any(source.done for source in self._pushing):
                    self._selector.select(timeout)
                self._armed = False
            self.turn.take(self._seat)
        self._poll(0)

    def source_awoke(self) -> None:
        """A source's thread has taken the turn, and will process records until the loop takes it back."""
        self.now = int(time() * 1000)
        if self._armed:
            self._armed = False
            self.wake()

    def _reap_sources(self) -> None:
        for source in [source for source in self._pushing if source.done]:
            if source.error is not None:
                raise source.error
            source.settle()
            # It may have to wait for a checkpoint as a whole now.
            if not source.subtask.paused:
                self._pushing.remove(source)
                source.subtask.finish()
                source.close()

    def wake(self) -> None:
        """Ends the loop's sleep; from any thread."""
        self._alarm.ring()

    # --- sockets and timers ------------------------------------------------------------------------------------------

    def peers_below(self, width: int) -> dict[int, Connection]:
        """The connections to the workers that run subtasks of a task of parallelism ``width``."""
        return {peer: connection for peer, connection in self.peers.items() if peer < width}

    def _poll(self, timeout: float | None) -> None:
        for key, mask in self._selector.select(timeout):
            connection: Connection | None = key.data
            if connection is None:
                self._alarm.silence()
                continue
            if mask & selectors.EVENT_WRITE and connection.write():
                self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
            if mask & selectors.EVENT_READ:
                self._receive(connection)
        for connection in (self.control, *self.peers.values()):
            if connection.backlog and not connection.closed:
                self._watch_writable(connection)
        self.now = int(time() * 1000)

    def _receive(self, connection: Connection) -> None:
        frames = connection.read()
        self._frames += len(frames)
        if connection.closed:
            self._selector.unregister(connection.socket)
            if connection is self.control:
                self.cancelled = True
        if connection is self.control:
            for frame in frames:
                self._on_control(frame)
            return
        sender = next(peer for peer, other in self.peers.items() if other is connection)
        for frame in frames:
            if frame.kind == CREDIT:
                self._gates[frame.exchange].grant(sender)
                continue
            loop = self._loop_of.get(frame.exchange)
            if loop is not None and frame.kind == DATA:
                loop.received += 1
            receiver = self._receivers[frame.exchange]
            if not self.graph.exchanges[frame.exchange].feedback:
                receiver.receive(sender, frame)
            elif frame.kind == DATA:
                receiver.feed_back(frame.exchange, sender, pickle.loads(frame.payload))
                connection.send(CREDIT, frame.exchange)
            elif frame.kind == BARRIER:
                receiver.on_barrier(frame.exchange, sender, pickle.loads(frame.payload))
            else:
                receiver.on_end(frame.exchange, sender)

    def _on_control(self, frame: Frame) -> None:
        if frame.kind == CANCEL:
            self.cancelled = True
            return
        if frame.kind in (LOOP_PROBE, LOOP_END):
            loop = self._loops[frame.exchange]
            if frame.kind == LOOP_PROBE:
                loop.on_probe()
            else:
                self._agenda.append(loop.end)
            return
        if frame.kind == TRIGGER:
            self._agenda.append(done(self.checkpoints.trigger, pickle.loads(frame.payload)))
            return
        if frame.kind == OVER:
            number, commits = pickle.loads(frame.payload)
            # At once, as what waits for it may keep this worker from coming to its agenda.
            self.checkpoints.end(number)
            if commits:
                self._agenda.append(done(self._on_complete, number))
            return
        if frame.kind == COMMIT:
            self._agenda.append(done(self._commit))
            return
        task = next(task.id for task in self.graph.tasks if task.head.id == frame.exchange)
        reader = self._readers[task]
        assert isinstance(reader, FedReader)
        if frame.kind == FED:
            reader.feed(frame.payload)
        elif frame.kind == FED_END:
            reader.end()

    def _check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled

    def _on_backlog(self, connection: Connection) -> None:
        # The loop may be asleep in another thread, and only asks for writability when it goes round.
        self.wake()

    def _watch_writable(self, connection: Connection) -> None:
        self._selector.modify(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)

    def schedule(self, time: int, subtask: Subtask, action: Callable[[], None]) -> None:
        """Calls ``action`` at ``time`` (ms), unless ``subtask`` has finished by then."""
        heappush(self._timers, (time, next(self._timer_serial), subtask, action))

    def _run_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self.now:
            timer = heappop(self._timers)
            _, _, subtask, action = timer
            if subtask.paused:
                self._postponed.append(timer)
            elif not subtask.finished:
                action()

    def _reschedule(self) -> None:
        """Other subtasks have to wait than before."""
        for timer in self._postponed:
            heappush(self._timers, timer)
        self._postponed.clear()
        self.wake()

    def _on_complete(self, checkpoint: int) -> None:
        for subtask in self._subtasks:
            subtask.on_checkpoint_complete(checkpoint)

    def _commit(self) -> None:
        for subtask in self._subtasks:
            subtask.commit()
        self.control.send(COMMITTED)

    def _until_timer(self) -> float | None:
        next_timer = self._timers[0][0] if self._timers else inf
        for loop in self._loops.values():
            next_timer = min(next_timer, loop.deadline)
        return None if next_timer == inf else min(max(0.0, next_timer / 1000 - time()), _LONGEST_SLEEP)

    def writer(self, sink: plan.Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> Writer:
        """Opens what is behind a sink. Raises OSError."""
        if isinstance(sink, plan.TextFileSink):
            return TextWriter(sink.path, self.index, parallelism, positions)
        if isinstance(sink, plan.SocketSink):
            from stream_engine.connectors.socket_writer import SocketWriter

            return SocketLines(SocketWriter(sink.host, sink.port))
        return ConsoleWriter(self)
