"""The script's side of a running job: it deploys the workers, writes their output, and sees to their end."""

from __future__ import annotations

import os
import pickle
import selectors
import signal
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from stream_engine.graph.operators import FedSource
from stream_engine.job import JobCancelledException, JobExecutionException
from stream_engine.local import logs
from stream_engine.local.alarm import Alarm
from stream_engine.local.connection import (
    CANCEL,
    CONSOLE,
    DEMAND,
    DEPLOY,
    ERRORS,
    FAILED,
    FINISHED,
    LOG,
    LOOP_PROBE,
    LOOP_REPORT,
    STATUS,
    Connection,
)
from stream_engine.local.feeder import Feeder
from stream_engine.local.loops import LoopReferee
from stream_engine.local.output import Output, write_error
from stream_engine.report import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.connection import Frame
    from stream_engine.local.failure import Failure
    from stream_engine.local.forkserver import Child, ForkServer
    from stream_engine.local.monitor import Monitor

# How long workers may take to cancel sources and close operators once told to stop, in seconds.
_GRACE = 1.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Coordinator:
    """Runs one job on freshly forked workers. ``run`` leaves no worker behind, whatever happens."""

    def __init__(self, server: ForkServer, job_id: str, graph: JobGraph, monitor: Monitor) -> None:
        self._server = server
        self._job_id = job_id
        self._graph = graph
        self._monitor = monitor
        self._children: list[Child] = []
        self._connections: list[Connection] = []
        self._alive: set[int] = set()
        self._finished: dict[int, bytes] = {}
        self._referees: list[LoopReferee] = []
        self._feeders: dict[int, Feeder] = {}
        self._failure: JobExecutionException | None = None
        self._signal: int | None = None
        self._stopping_since: float | None = None
        self._killed = False
        self._output = Output()
        self._alarm = Alarm()

    def run(self, prepare: bytes | None, configuration: bytes, graph: bytes, splits: dict[int, Any]) -> list[bytes]:
        """Returns the packed accumulators of the workers when the job has finished.

        Raises JobExecutionException or JobCancelledException.
        """
        with self._signals(), selectors.DefaultSelector() as self._selector:
            try:
                self._children = self._server.fork(self._graph.slots, meshed=bool(self._graph.exchanges))
            except (EOFError, OSError) as error:
                summary = f"The job's {self._graph.slots} workers cannot be started: {error}."
                raise JobExecutionException(summary, self._job_id) from error
            self._alive = {child.pid for child in self._children}
            logs.debug("The workers have the process ids %s", ", ".join(map(str, sorted(self._alive))))
            deployed = (prepare, configuration, graph, splits, logs.levels(), self._monitor.watching)
            try:
                self._selector.register(self._alarm, selectors.EVENT_READ, None)
                self._selector.register(self._server, selectors.EVENT_READ, None)
                for child in self._children:
                    connection = Connection(child.control, lambda _: self._alarm.ring())
                    self._connections.append(connection)
                    self._selector.register(child.control, selectors.EVENT_READ, connection)
                    connection.send(DEPLOY, 0, pickle.dumps(deployed))
                self._referees = [
                    LoopReferee(i, self._connections[: max(self._graph.tasks[task].parallelism for task in tasks)])
                    for i, tasks in enumerate(self._graph.loops)
                ]
                self._start_feeders()
                self._monitor.started()
                while self._alive:
                    self._turn()
            except EOFError:
                self._fail("The process that starts the workers was killed, so the job cannot go on.")
            finally:
                self._kill_rest()
        self._raise_outcome()
        return [payload for _, payload in sorted(self._finished.items())]

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        for key, mask in self._selector.select(self._monitor.patience(self._time_left())):
            connection: Connection | None = key.data
            if connection is None:
                if key.fileobj is self._alarm:
                    self._alarm.silence()
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
        self._see_exits()
        if self._signal is not None or self._failure is not None:
            self._stop_workers()
        if self._time_left() == 0 and not self._killed:
            self._killed = True
            for pid in self._alive:
                self._server.kill(pid)

    def _receive(self, connection: Connection) -> None:
        frames = connection.read()
        if connection.closed:
            self._selector.unregister(connection.socket)
        for frame in frames:
            self._on_frame(self._connections.index(connection), frame)

    def _on_frame(self, worker: int, frame: Frame) -> None:
        if frame.kind == CONSOLE:
            if not self._output.write(frame.payload):
                # As a program that is not told otherwise: the reader has what it wanted, so there is nothing to do.
                self._signal = signal.SIGPIPE
        elif frame.kind == ERRORS:
            write_error(frame.payload)
        elif frame.kind == LOG:
            logs.handle(frame.payload)
        elif frame.kind == LOOP_REPORT:
            self._referees[frame.exchange].on_report(worker, pickle.loads(frame.payload))
        elif frame.kind == LOOP_PROBE:
            self._referees[frame.exchange].on_answer(worker, pickle.loads(frame.payload))
        elif frame.kind == DEMAND:
            self._feeders[frame.exchange].on_demand()
        elif frame.kind == STATUS:
            self._monitor.on_report(frame.payload)
        elif frame.kind == FAILED:
            failure: Failure = pickle.loads(frame.payload)
            self._fail(failure.summary, failure.cause())
        elif frame.kind == FINISHED:
            self._finished[worker] = frame.payload
            if len(self._finished) == len(self._children):
                # Only now may they go: until then each may still get frames from others.
                for connection in self._connections:
                    connection.send(CANCEL)

    def _see_exits(self) -> None:
        for pid, code in self._server.exits():
            index = next((i for i, child in enumerate(self._children) if child.pid == pid), None)
            if index is None or pid not in self._alive:
                continue
            connection = self._connections[index]
            # Its last words, a failure among them, may not have been read yet.
            connection.drained = False
            while not (connection.closed or connection.drained):
                self._receive(connection)
            self._alive.discard(pid)
            if index not in self._finished and self._signal is None and self._failure is None:
                self._fail(
                    f"Worker {index + 1} of {len(self._children)} {_exit_message(code)}.\n{self._tasks_of(index)}"
                )

    def _tasks_of(self, index: int) -> str:
        names = [task.name for task in self._graph.tasks if index < task.parallelism]
        return f"  It ran subtask {index + 1} of: " + "; ".join(names)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _fail(self, summary: str, cause: BaseException | None = None) -> None:
        if self._failure is None and self._signal is None:
            self._failure = JobExecutionException(summary, self._job_id)
            self._failure.__cause__ = cause

    def _stop_workers(self) -> None:
        if self._stopping_since is None:
            self._stopping_since = monotonic()
            for feeder in self._feeders.values():
                feeder.stop()
            for connection in self._connections:
                connection.send(CANCEL)

    def _time_left(self) -> float | None:
        if self._stopping_since is None or self._killed:
            return None
        return max(0.0, self._stopping_since + _GRACE - monotonic())

    def _kill_rest(self) -> None:
        for feeder in self._feeders.values():
            feeder.stop()
        try:
            for pid in self._alive:
                self._server.kill(pid)
            while self._alive:
                self._alive -= {pid for pid, _ in self._server.exits(block=True)}
        except (EOFError, OSError):
            # Without the server, nobody but the system takes note of their end.
            for pid in self._alive:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for connection in self._connections:
            connection.close()
        self._alarm.close()

    def _raise_outcome(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._signal is not None:
            name = signal.Signals(self._signal).name
            raise JobCancelledException(f"The job was stopped by {name}.", self._job_id, self._signal)

    # --- sources read here -------------------------------------------------------------------------------------------

    def _start_feeders(self) -> None:
        for task in self._graph.tasks:
            operator = task.head.operator
            if isinstance(operator, FedSource):
                feeder = Feeder(task.head.id, operator.iterable, self._connections[0], self._feeding_failed)
                self._feeders[task.head.id] = feeder
        for feeder in self._feeders.values():
            feeder.start()

    def _feeding_failed(self, error: BaseException) -> None:
        what, *more = told(error)
        self._fail("\n".join([what, "  in a collection that the script gave to the job", *more]), error)
        self._alarm.ring()

    # --- signals -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _signals(self) -> Iterator[None]:
        handlers: dict[int, Any] = {}
        # Elsewhere Python does not allow it, and the main thread's handlers go on as they are.
        if current_thread() is main_thread():
            handlers = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _: object) -> None:
        if self._signal is not None:
            # The second one: at once.
            self._stopping_since = monotonic() - _GRACE
        self._signal = number
        self._alarm.ring()
        self._output.interrupt()


def _exit_message(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended unexpectedly, with exit status {code}"
