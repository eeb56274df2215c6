"""The script's side of a running job: its attempts, what it writes, and how it ends."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from select import select
from threading import current_thread, main_thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from stream_engine.graph.job_graph import has_event_windows
from stream_engine.graph.specs import ClientSource
from stream_engine.job import JobCancelledException, JobExecutionException
from stream_engine.local.coordinator.attempt import Attempt, AttemptFailed
from stream_engine.local.coordinator.client_source import ClientSender
from stream_engine.local.forkserver.forked_children import in_forked_children, restore_signals
from stream_engine.local.output import Output
from stream_engine.local.stop_signals import Requests, stop_signals
from stream_engine.local.waker import Waker
from stream_engine.report import failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.coordinator.recovery import Recovery
    from stream_engine.local.forkserver.client import ForkServer
    from stream_engine.local.late_records import LateRecords
    from stream_engine.local.unwatched import NullMonitor
    from stream_engine.wire.connection import Connection
    from stream_engine.wire.deployment import Deployment


class Coordinator:
    """Runs one job, on other workers after each failure that it is restarted for.

    ``signal`` is the one that stops the job, ``impatient`` tells that another came; ``failure`` is what has failed in
    this process.
    """

    def __init__(
        self,
        server: ForkServer,
        job_id: str,
        graph: JobGraph,
        configuration: Configuration,
        recovery: Recovery,
        monitor: NullMonitor,
    ) -> None:
        self.job_id = job_id
        self.graph = graph
        self.configuration = configuration
        self.checkpoints = recovery.checkpoints
        self.monitor = monitor
        if self.checkpoints is not None:
            self.checkpoints.monitor = monitor
        self.waker = Waker()
        self.signal: int | None = None
        self.impatient = False
        self.failure: AttemptFailed | None = None
        self._server = server
        self._recovery = recovery
        # The signal that a job is to be stopped by once it has taken its savepoint.
        self._stop_wish: int | None = None
        self._requests = Requests()
        self._hurried = False
        self._feeders: dict[int, ClientSender] = {}
        self.late: LateRecords | None = None
        if any(has_event_windows(node) for task in graph.tasks for node in task.operators):
            from stream_engine.local.late_records import LateRecords

            self.late = LateRecords(graph, configuration)
        self._output = Output()

    def run(self, deployment: Deployment) -> list[bytes]:
        """Returns the packed accumulators of the workers when the job has finished.

        Raises JobExecutionException or JobCancelledException.
        """
        self._make_feeders()
        deployment = deployment._replace(checkpointed=self.checkpoints is not None, watched=self.monitor.watching)
        try:
            with self._signals():
                while True:
                    try:
                        deployment = deployment._replace(origin=self._recovery.origin())
                        packed = Attempt(self, self._server).run(deployment)
                    except AttemptFailed as failure:
                        delay = self._recovery.delay(failure)
                        self.monitor.restarting(failure.error)
                        self._wait(delay)
                        deployment = deployment._replace(attempt=deployment.attempt + 1)
                    else:
                        if self.signal is None:
                            break
                    self._raise_if_stopped()
            late = self._stop_wish if self.signal is None else self.signal
            if late is not None:
                # It came when the job was about to finish: it is the script that is to stop.
                signal.raise_signal(late)
            return packed
        finally:
            for feeder in self._feeders.values():
                feeder.stop()
            self.waker.close()
            if self.late is not None:
                self.late.close()

    def _wait(self, seconds: float) -> None:
        """Until the job is to be restarted, or is stopped. To be stopped with a savepoint it has to run: at once."""
        until = monotonic() + seconds
        while self.signal is None and not self._hurried and (left := until - monotonic()) > 0:
            select([self.waker], [], [], self.monitor.patience(left))
            self.waker.clear()
            self.monitor.tick()
        # Once: should it fail again, it is to wait again.
        self._hurried = False

    def _raise_if_stopped(self) -> None:
        if self.signal is not None:
            name = signal.Signals(self.signal).name
            savepoint = self.checkpoints.last_savepoint if self.checkpoints is not None else None
            raise JobCancelledException(f"The job was stopped by {name}.", self.job_id, self.signal, savepoint)

    def write(self, data: bytes) -> None:
        """Writes lines of the job to standard output."""
        lost = self._output.write(data)
        if lost is not None and self.signal is None:
            # As a program that is not told otherwise: the reader has what it wanted, so there is nothing to do.
            self.signal = lost

    # --- sources read here -------------------------------------------------------------------------------------------

    def _make_feeders(self) -> None:
        for task in self.graph.tasks:
            operator = task.head.operator
            if isinstance(operator, ClientSource):
                self._feeders[task.head.id] = ClientSender(task.head.id, operator.iterable, self._feeding_failed)

    def feed(self, worker: Connection | None) -> None:
        """Sends what is read here to a worker; None: there is none now."""
        for feeder in self._feeders.values():
            feeder.attach(worker)

    def on_demand(self, operator: int) -> None:
        self._feeders[operator].on_demand()

    def _feeding_failed(self, error: BaseException) -> None:
        failure = failure_of(error)
        place = "  in a collection that the script gave to the job"
        more = failure.raised._replace(more=(*failure.raised.more, place))
        failed = JobExecutionException.of(failure._replace(raised=more), self.job_id)
        failed.__cause__ = error
        # What has raised is at its end: a restart would be one without the rest of it.
        self.failure = AttemptFailed(failed, final=True)
        self.waker.wake()

    # --- signals -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _signals(self) -> Iterator[None]:
        handlers: dict[int, Any] = {}
        # Elsewhere Python does not allow it, and the main thread's handlers go on as they are.
        if current_thread() is main_thread():
            handlers = {number: signal.signal(number, self._on_signal) for number in stop_signals()}
            if self._recovery.savepoints:
                handlers[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._on_savepoint_signal)
        # A process that the script forks meanwhile ends as the script would have it.
        forget = in_forked_children(lambda: restore_signals(handlers))
        try:
            yield
        finally:
            forget()
            restore_signals(handlers)

    def _on_signal(self, number: int, _: object) -> None:
        stopping = self.signal is not None or self._stop_wish is not None
        # One that comes after we have said what the next will do is the next, however soon it comes.
        told = self.signal is None and self.checkpoints is not None and not self.checkpoints.silently_awaited
        if self._requests.repeats(number) and stopping and not (told and number != signal.SIGHUP):
            return
        if not stopping and self._recovery.stop_with_savepoint():
            self._stop_wish = number
            self._hurried = True
        else:
            # The second one: at once.
            self.impatient = self.signal is not None
            self.signal = number
        self.waker.wake()
        if self.signal is not None:
            self._output.interrupt()

    def _on_savepoint_signal(self, number: int, _: object) -> None:
        self._recovery.take_savepoint()
        self.waker.wake()

    def stop_as_wished(self) -> None:
        """The savepoint is there with which the job was to stop."""
        if self.signal is None:
            self.signal = self._stop_wish
