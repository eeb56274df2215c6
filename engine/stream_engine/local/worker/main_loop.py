"""What a worker does next: one loop over sockets, timers, inputs and sources."""

from __future__ import annotations

from collections import deque
from math import inf
from time import time
from typing import TYPE_CHECKING, NoReturn

from stream_engine.local.worker.biased_lock import BiasedLock
from stream_engine.local.worker.null_meter import NullMeter
from stream_engine.local.worker.pulled_sources import PulledSources
from stream_engine.local.worker.push_sources import PushSources
from stream_engine.task.failure import Cancelled
from stream_engine.task.ready import HeldBack, ReadyQueue
from stream_engine.task.timers import Timers
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.local.late_records import LateReporter
    from stream_engine.local.worker.switchboard import Switchboard
    from stream_engine.task.loops import LoopMonitors
    from stream_engine.task.subtask import Subtask

# Seconds; the system's own limit is about 24 days, and a window may be longer.
_LONGEST_SLEEP = 86_400


class MainLoop:
    """Downstream work comes first, so that little is under way. A turn costs the same however many subtasks there are.

    With push sources the loop takes turns with their threads; all other state is touched by the turn's holder only.
    """

    def __init__(self, switchboard: Switchboard) -> None:
        self.now = int(time() * 1000)
        self.lock = BiasedLock()
        self.meter = NullMeter()
        self.ready: ReadyQueue[Subtask] = ReadyQueue()
        self.held = HeldBack()
        self.timers = Timers()
        self.pulled = PulledSources()
        self.pushing = PushSources(self.lock, switchboard.select, switchboard.wake, self._look)
        # What the coordinator has asked for, in order, to be done between two records; what gives False has to wait.
        self.agenda: deque[Callable[[], bool | None]] = deque()
        self.late: LateReporter | None = None
        # The job is over.
        self.cancelled = False
        # When the coordinator kills this process, once it has said so.
        self.deadline: float | None = None
        # Ends the loop's sleep; from any thread.
        self.wake = switchboard.wake
        self.source_awoke = self.pushing.on_awake
        self._switchboard = switchboard

    def run(self, loops: LoopMonitors, buffer_timeout: int, done: Callable[[], bool]) -> NoReturn:
        """Ends with the job, by raising Cancelled; ``done`` is called after each turn until it is true."""
        busy = True
        finished = False
        flushed = self.now
        while True:
            patience = 0 if busy else self._patience(loops)
            if self.pushing:
                self.pushing.sleep(patience)
                patience = 0
            self.poll(patience)
            while self.agenda and self.agenda[0]() is not False:
                self.agenda.popleft()
            self.check_cancelled()
            self.timers.run(self.now, self.meter.run)
            self.pushing.reap()
            busy = self._work()
            due = buffer_timeout >= 0 and self.now - flushed >= buffer_timeout
            if due or not busy:
                frames = self._switchboard.frames
                self._flush(all_of_them=due)
                if due or not self.held:
                    flushed = self.now
                # Where flushing had to wait for a receiver, it has taken in what else there was.
                busy = busy or bool(self.held) or self._switchboard.frames != frames
            if loops:
                # Flushing may have fed records back.
                busy = busy or self.ready.first() is not None
                loops.tend(busy, self.now)
            finished = finished or done()

    def _work(self) -> bool:
        """One step of the work furthest downstream; whether there was any."""
        subtask = self.ready.first()
        if subtask is None:
            return self.pulled.read(self.meter)
        self.meter.run(subtask)
        subtask.work()
        return True

    def _flush(self, all_of_them: bool) -> None:
        """Hands on what was held back; unless ``all_of_them``, work that comes in meanwhile is done first.

        It may add to what is held. If all were handed on whenever there is no work for a moment, workers that wait for
        each other would send ever smaller frames.
        """
        for _ in range(len(self.held)):
            self.held.take().flush()
            if self.held and not all_of_them:
                self.poll(0)
                if self.ready.first() is not None:
                    break
        if self.late is not None:
            self.late.tick(self.now)

    def _patience(self, loops: LoopMonitors) -> float | None:
        """How long, in seconds, there is nothing to do unless something comes in."""
        until = min(self.timers.next, loops.deadline)
        return None if until == inf else min(max(0.0, until / 1000 - time()), _LONGEST_SLEEP)

    def work_downstream(self, first: int | None) -> None:
        """Called where a receiver must catch up before more can be sent: processes input of task ``first`` and later.

        Those tasks are never in the middle of a record then: what calls this is upstream of all of them.
        """
        self.check_cancelled()
        suspended = self.meter.suspend()
        subtask = None if first is None else self.ready.first()
        if subtask is not None and first is not None and subtask.task.id >= first:
            self.meter.run(subtask)
            subtask.work()
            self.poll(0)
        else:
            self.poll(None)
        self.meter.resume(suspended)
        if self.pushing:
            # In a source's thread, perhaps, while the loop sleeps: what has come in is for the loop.
            self.wake()

    def awake(self, task: int) -> None:
        """The pull source of ``task`` may have records again; from any thread."""
        self.pulled.awake(task)
        self.wake()

    def on_pause(self) -> None:
        """Other subtasks are paused than before."""
        self.timers.resume()
        self.wake()

    def poll(self, timeout: float | None) -> None:
        """Takes in what has come, and sends what waits; sleeps for it no longer than ``timeout`` seconds."""
        self._switchboard.poll(timeout)
        self.cancelled = self.cancelled or self._switchboard.control.closed
        self.now = int(time() * 1000)

    def _look(self) -> None:
        """Called without the turn. Raises Cancelled when the job is over."""
        for frame in self._switchboard.look():
            if frame.kind == Kind.CANCEL:
                self._switchboard.on_control(frame)
        self.cancelled = self.cancelled or self._switchboard.control.closed
        self.check_cancelled()

    def check_cancelled(self) -> None:
        """Raises Cancelled when the job is over."""
        if self.cancelled:
            raise Cancelled
