"""A worker process: slot ``index`` of the job, which runs the subtasks of that index in one loop."""

from __future__ import annotations

import gc
import pickle
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.configuration import Configuration
from stream_engine.configuration.options import CHECKPOINT_MODE
from stream_engine.connectors.storage_options import configure
from stream_engine.graph.job_graph import JobGraph, has_event_windows
from stream_engine.graph.specs import PUSHING_SOURCES, ClientSource
from stream_engine.local.accumulators import packed
from stream_engine.local.deadline import cancellation_timeout, deadline_in
from stream_engine.local.heartbeats import frequency, start_heart
from stream_engine.local.worker.cancellation import Cancellation
from stream_engine.local.worker.client_reader import ClientReader
from stream_engine.local.worker.console import flush_streams, redirect_streams
from stream_engine.local.worker.exit_handlers import run_exit_handlers
from stream_engine.local.worker.inbox import Inbox
from stream_engine.local.worker.logs import forward
from stream_engine.local.worker.main_loop import MainLoop
from stream_engine.local.worker.orders import Orders
from stream_engine.local.worker.push_source import PushSource
from stream_engine.local.worker.recursion_limit import allow_depth_of
from stream_engine.local.worker.slot import WorkerSlot
from stream_engine.local.worker.switchboard import Switchboard
from stream_engine.task.failure import Cancelled, send_failure
from stream_engine.task.sources import pull_source
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket

    from stream_engine.local.worker.checkpoints.round import Checkpoints
    from stream_engine.task.sources import Reader
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.deployment import Deployment
    from stream_engine.wire.messages import Frame

# Collecting garbage costs 10-20 % of a loop that makes many records; few of them ever are in a cycle.
_GC_THRESHOLDS = (200_000, 20, 20)


def run_worker(index: int, control: socket, peers: dict[int, socket], lifeline: int) -> int:
    """Waits for a job, runs its share, and returns the exit code of the process. For ``lifeline`` see there."""
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
    """The life of one, from its deployment to its end."""

    def __init__(self, index: int, control: socket, peers: dict[int, socket], lifeline: int) -> None:
        self.index = index
        self.graph = JobGraph((), (), timestamped=False)
        self._configuration = Configuration()
        self._lifeline = lifeline
        self._switchboard = Switchboard(control, peers)
        self.control = self._switchboard.control
        self._main = MainLoop(self._switchboard)
        self._subtasks: list[Subtask] = []

    def run(self) -> int:
        """Returns the exit code: 0, too, when the job ends before its input does, and 1 when it fails here."""
        exit_code = 0
        try:
            self._run(*self._deployment())
            return exit_code
        except Cancelled:
            pass
        except BaseException as error:
            send_failure(error, self.graph, self.index, partial(self.control.send, Kind.FAILED, 0))
            exit_code = 1
        # Here, as what is raised inside of an ``except`` clause would have that error for its context.
        self._stop()
        return exit_code

    def _deployment(self) -> tuple[Deployment, list[Frame]]:
        """The job, and what the coordinator has said behind it. Raises Cancelled when there is to be none."""
        frames = self._switchboard.first_frames()
        if self.control.closed:
            raise Cancelled
        assert frames[0].kind == Kind.DEPLOY
        return pickle.loads(frames[0].payload), frames[1:]

    def _run(self, deployment: Deployment, frames: list[Frame]) -> NoReturn:
        """Ends with the job, by raising Cancelled, or whatever has failed here."""
        main = self._main
        if deployment.levels is not None:
            forward(self, deployment.levels)
        self._configuration = pickle.loads(deployment.configuration)
        configure(self._configuration, trusting=True)
        start_heart(self.control, frequency(self._configuration), self._lifeline)
        if deployment.prepare is not None:
            pickle.loads(deployment.prepare)()
        self.graph = pickle.loads(deployment.graph)
        slot = WorkerSlot(self.index, deployment, self._configuration, self.graph, main, self._switchboard)
        self._subtasks = list(slot.subtasks.values())
        inbox = Inbox(self.graph, slot.subtasks, slot.writers, self.control, self._switchboard.peers)
        sources = {
            subtask: self._source(subtask, deployment.splits)
            for subtask in self._subtasks
            if subtask.task.head.is_source
        }
        if any(has_event_windows(node) for task in self.graph.tasks for node in task.operators):
            # What few jobs need is imported for those.
            from stream_engine.local.late_records import LateReporter

            main.late = LateReporter(self.control, self._subtasks)
        checkpoints = self._checkpoints(slot, sources) if deployment.checkpointed else None
        if deployment.origin is not None:
            from stream_engine.local.worker.checkpoints.restoration import restore

            restore(deployment.origin, self.graph, self._subtasks, sources)
        self._open(sources)
        orders = Orders(main, self.control, self._subtasks, inbox.loops, checkpoints)
        self._switchboard.listen(orders.on_frame, inbox.on_frame)
        # Such as the end of a collection without elements: it is for a reader, which had to be made first.
        for frame in frames:
            orders.on_frame(frame)
        if deployment.levels is None:
            # The functions have been loaded and opened by now, and may have configured logging.
            forward(self, None)
        allow_depth_of(self.graph)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        if deployment.watched:
            from stream_engine.local.worker.metrics.meter import Meter

            main.meter = Meter(self.control, self._subtasks, slot.writers, main.pulled.readers, list(main.pushing))
            self._switchboard.meter = main.meter
        main.pushing.start()
        main.run(inbox.loops, slot.buffer_timeout, partial(self._finished, slot))

    def _source(self, subtask: Subtask, splits: dict[int, Any]) -> Reader | PushSource:
        """The source at the head of a subtask."""
        operator = subtask.task.head.operator
        if isinstance(operator, ClientSource):
            return ClientReader(self.control, subtask.task.head.id)
        if isinstance(operator, PUSHING_SOURCES):
            return PushSource(self._main, subtask, self.graph.timestamped)
        return pull_source(subtask, splits, partial(self._main.awake, subtask.task.id))

    def _checkpoints(self, slot: WorkerSlot, sources: Mapping[Subtask, Reader | PushSource]) -> Checkpoints:
        """Lets all subtasks take part in checkpoints."""
        # What few jobs need is imported for those.
        from stream_engine.local.worker.checkpoints.round import Checkpoints
        from stream_engine.local.worker.checkpoints.writer import SnapshotWriter

        exactly_once = self._configuration.get(CHECKPOINT_MODE) == "exactly_once"
        writer = SnapshotWriter(self.index, self.control)
        checkpoints = Checkpoints(self._subtasks, writer, exactly_once, self._main.on_pause)
        for subtask in self._subtasks:
            checkpoints.align(subtask, slot.writers[subtask.task.id], sources.get(subtask))
        return checkpoints

    def _open(self, sources: Mapping[Subtask, Reader | PushSource]) -> None:
        for subtask in self._subtasks:
            subtask.open()
            source = sources.get(subtask)
            if isinstance(source, PushSource):
                self._main.pushing.add(source)
                source.open()
            elif source is not None:
                self._main.pulled.add(subtask, source)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _finished(self, slot: WorkerSlot) -> bool:
        """Whether all subtasks have come to their ends; if so, the coordinator is told."""
        if not slot.finished:
            return False
        self._main.meter.close()
        flush_streams()
        if self._main.late is not None:
            self._main.late.report()
        self.control.send(Kind.FINISHED, 0, packed(slot.accumulators))
        return True

    def _stop(self) -> None:
        """The job is over before its end: sources are cancelled and operators closed, whatever that raises."""
        main = self._main
        main.cancelled = True
        if main.deadline is None:
            main.deadline = deadline_in(cancellation_timeout(self._configuration))
        # The last report comes first: a reader that is closed looks like one that has read everything.
        main.meter.close()
        stopping = Cancellation(self.graph, self.index, main.deadline)
        stopping.run(main.pushing, self._subtasks, main.pulled.readers.values())
        self.say_last_words()

    def say_last_words(self) -> None:
        """Returns when the coordinator has received all that this worker has said."""
        flush_streams()
        if self._main.late is not None:
            self._main.late.report()
        self.control.drain()
