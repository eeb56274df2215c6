"""The script's side of a running job: its attempts, and how it ends."""

from __future__ import annotations

import signal
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.graph.job_graph import has_event_windows
from stream_engine.job import JobCancelledException
from stream_engine.local.coordinator.attempt import Attempt, Parts
from stream_engine.local.coordinator.client_source import ClientSources
from stream_engine.local.coordinator.failure import AttemptFailed
from stream_engine.local.coordinator.stopping import Stopping
from stream_engine.local.output import Output
from stream_engine.wire.readiness import wait_readable

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.coordinator.recovery import Recovery
    from stream_engine.local.forkserver.client import ForkServer
    from stream_engine.local.late_records import LateRecords
    from stream_engine.local.null_monitor import NullMonitor
    from stream_engine.wire.deployment import Deployment


class Coordinator:
    """Runs one job; after each restart on new workers."""

    def __init__(
        self,
        server: ForkServer,
        job_id: str,
        graph: JobGraph,
        configuration: Configuration,
        recovery: Recovery,
        monitor: NullMonitor,
    ) -> None:
        self._server = server
        self._job_id = job_id
        self._graph = graph
        self._configuration = configuration
        self._recovery = recovery
        self._monitor = monitor
        if recovery.checkpoints is not None:
            recovery.checkpoints.monitor = monitor
        output = Output()
        self._stopping = Stopping(recovery, output.interrupt)
        self._sources = ClientSources(graph, job_id, self._stopping.waker.wake)
        self._late = _late_records(graph, configuration)
        self._parts = Parts(self._stopping, self._sources, output, recovery.checkpoints, monitor, self._late)

    def run(self, deployment: Deployment) -> list[bytes]:
        """Returns the packed accumulators of the workers when the job has finished.

        Raises JobExecutionException or JobCancelledException.
        """
        checkpointed = self._recovery.checkpoints is not None
        deployment = deployment._replace(checkpointed=checkpointed, watched=self._monitor.watching)
        try:
            with self._stopping.signals():
                while True:
                    try:
                        deployment = deployment._replace(origin=self._recovery.origin())
                        packed = self._attempt().run(deployment)
                    except AttemptFailed as failure:
                        delay = self._recovery.delay(failure)
                        self._monitor.restarting(failure.error)
                        self._wait(delay)
                        deployment = deployment._replace(attempt=deployment.attempt + 1)
                    else:
                        if self._stopping.signal is None:
                            break
                    self._raise_if_stopped()
            self._stopping.raise_late()
            return packed
        finally:
            self._sources.stop()
            self._stopping.close()
            if self._late is not None:
                self._late.close()

    def _attempt(self) -> Attempt:
        return Attempt(self._server, self._job_id, self._graph, self._configuration, self._parts)

    def _wait(self, seconds: float) -> None:
        """Waits before a restart, or until the job stops. Returns at once for a savepoint: it needs a running job."""
        stopping, until = self._stopping, monotonic() + seconds
        while stopping.signal is None and not stopping.hurried and (left := until - monotonic()) > 0:
            wait_readable(stopping.waker, self._monitor.patience(left))
            stopping.waker.clear()
            self._monitor.tick()
        # Only once: if the job fails again, it waits again.
        stopping.hurried = False

    def _raise_if_stopped(self) -> None:
        number = self._stopping.signal
        if number is not None:
            checkpoints = self._recovery.checkpoints
            savepoint = checkpoints.last_savepoint if checkpoints is not None else None
            name = signal.Signals(number).name
            raise JobCancelledException(f"The job was stopped by {name}.", self._job_id, number, savepoint)


def _late_records(graph: JobGraph, configuration: Configuration) -> LateRecords | None:
    """Reports late records; None in jobs that cannot have any."""
    if not any(has_event_windows(node) for task in graph.tasks for node in task.operators):
        return None
    from stream_engine.local.late_records import LateRecords

    return LateRecords(graph, configuration)
