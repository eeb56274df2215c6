"""Runs one job in this thread: the subtasks of all slots, their sources, timers and loops, record by record."""

from __future__ import annotations

from math import inf
from threading import Event, RLock
from time import sleep, time
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import CHECKPOINT_INTERVAL, INLINE_FUNCTIONS
from stream_engine.failures.causes import cause_of, traceback_of
from stream_engine.graph.specs import PUSHING_SOURCES, ClientSource
from stream_engine.local.deadline import cancellation_timeout
from stream_engine.local.inline.host import InlineSlot
from stream_engine.local.inline.state import JobState
from stream_engine.local.output import tell
from stream_engine.operators.code import is_generated
from stream_engine.operators.ownership import own
from stream_engine.task.failure import OperatorError, describe
from stream_engine.task.loops import LoopMonitor
from stream_engine.task.safepoint import SafePoint
from stream_engine.task.source_functions import PushingFunction
from stream_engine.task.sources import pull_source
from stream_engine.task.subtask import Subtask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.task.sources import Reader


def users_error(error: BaseException) -> BaseException:
    """The exception that a user function has raised; runs no code of its class."""
    cause = cause_of(error) if type(error) is OperatorError else None
    return error if cause is None else cause


class Terminated(BaseException):
    """Raised by a signal anywhere in the job; not an Exception, so that no user code swallows it."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class IterableReader:
    """Reads an iterable of this process, one element at a time."""

    def __init__(self, iterable: Iterable[Any]) -> None:
        self._iterator = iter(iterable)

    def read(self, limit: int) -> Sequence[Any] | None:
        for element in self._iterator:
            # The iterator may fill the same list anew, while a function still has it.
            return [own(element)]
        return None

    def progress(self) -> None:
        """None: nobody watches."""

    def close(self) -> None:
        """Does nothing: what the script has opened belongs to the script."""


class InlineJob(JobState):
    """``run`` takes records from the sources in turn, and each through all tasks before the next; then it runs timers.

    Pull sources are read first. Each push source then has the thread until its ``run`` returns, one after the other;
    after each of its records, everything that is due is done.
    """

    def __init__(self, graph: JobGraph, splits: dict[int, Any], configuration: Configuration) -> None:
        # None are taken here, so nothing may wait for one.
        configuration = configuration.copy()
        configuration.set(CHECKPOINT_INTERVAL, 0)
        # A debugger may come at any time, and needs the functions themselves.
        configuration.set(INLINE_FUNCTIONS, False)
        super().__init__(graph, configuration)
        self._splits = splits
        self._readers: dict[Subtask, Reader] = {}
        self._pushing: dict[Subtask, PushingFunction] = {}
        self._running: PushingFunction | None = None
        self._loops: list[LoopMonitor] = []
        self._ended_loops: list[int] = []
        # A source may collect in threads of its own.
        self._lock = RLock()
        self._stopped = False
        # Set by a reader that has had nothing, in a thread of its own.
        self._awoken = Event()

    def run(self) -> None:
        """Raises whatever a user function raises, perhaps as the cause of an OperatorError."""
        self._make()
        while self._readers:
            self._pull()
        for subtask, function in list(self._pushing.items()):
            self._push(subtask, function)
        while any(not subtask.finished for subtask in self.subtasks.values()):
            self._wait()
        for subtask in self.subtasks.values():
            self.index = subtask.index
            subtask.commit()

    def stop(self) -> None:
        """Stops before the input ends: cancels sources and closes operators, whatever that raises.

        Only a signal ends this at once.
        """
        self._stopped = True
        if self._running is not None:
            self._attempt(self._running.cancel)
        timeout = cancellation_timeout(self.configuration)
        # No function is closed while a thread of a source is in one.
        if not self._lock.acquire(timeout=-1 if timeout is None else timeout / 2):
            tell("While stopping the job: a thread of a source is still processing a record. Functions are not closed.")
            return
        try:
            for function in self._pushing.values():
                self._attempt(function.close)
            for subtask in self.subtasks.values():
                self.index = subtask.index
                self._attempt(subtask.close)
            for reader in self._readers.values():
                self._attempt(reader.close)
        finally:
            self._lock.release()

    def index_of(self, error: BaseException) -> int:
        """The index of the subtask that ``error`` comes from."""
        indexes = {each.chain.process.__code__.co_filename: each.index for each in self.subtasks.values()}
        index, traceback = self.index, traceback_of(users_error(error))
        while traceback is not None:
            if is_generated(traceback.tb_frame.f_code):
                index = indexes.get(traceback.tb_frame.f_code.co_filename, index)
            traceback = traceback.tb_next
        return index

    # --- the beginning -----------------------------------------------------------------------------------------------

    def _make(self) -> None:
        slots = [InlineSlot(self, index) for index in range(self.graph.slots)]
        # The last task comes first: the code of a chain calls that of the chains downstream.
        for task in reversed(self.graph.tasks):
            for slot in slots[: task.parallelism]:
                self.index = slot.index
                self.subtasks[task.id, slot.index] = Subtask(slot, self.graph, task)
        subtasks = list(self.subtasks.values())
        self._loops = [LoopMonitor(loop, self.graph, subtasks, self) for loop in range(len(self.graph.loops))]
        for subtask in subtasks:
            self.index = subtask.index
            subtask.open()
        for subtask in sorted(subtasks, key=lambda subtask: (subtask.task.id, subtask.index)):
            head = subtask.task.head
            self.index = subtask.index
            if isinstance(head.operator, ClientSource):
                self._readers[subtask] = IterableReader(head.operator.iterable)
            elif isinstance(head.operator, PUSHING_SOURCES):
                self._pushing[subtask] = PushingFunction(subtask, self.graph.timestamped)
                self._pushing[subtask].open()
            elif head.is_source:
                self._readers[subtask] = pull_source(subtask, self._splits, self._awoken.set)

    # --- records -----------------------------------------------------------------------------------------------------

    def _pull(self) -> None:
        """Takes a record of each pull source; where none has any, waits for one or a timer."""
        self._awoken.clear()
        any_read = False
        for subtask, reader in list(self._readers.items()):
            self.index = subtask.index
            records = reader.read(1)
            any_read = any_read or records is None or len(records) > 0
            if records is None:
                del self._readers[subtask]
                reader.close()
                subtask.finish()
            elif records:
                subtask.process_source(records)
            self._settle()
        if not any_read:
            until = self.timers.next
            self._awoken.wait(None if until == inf else max(0.0, until / 1000 - time()))

    def _push(self, subtask: Subtask, function: PushingFunction) -> None:
        def guard(process: Callable[[Any], None]) -> Callable[[Any], None]:
            def collect(record: Any) -> None:
                with self._lock:
                    if self._stopped:
                        return
                    process(record)
                    self._settle()
                    self.index = subtask.index

            return collect

        self.index = subtask.index
        self._running = function
        function.run(guard, SafePoint(lambda action: action()))
        self._running = None
        del self._pushing[subtask]
        function.close()
        subtask.finish()
        self._settle()

    def _settle(self) -> None:
        """Called between two records of a source: processes records in loops, runs timers, and writes lines."""
        self._tick()
        while (subtask := self.ready.first()) is not None:
            self.index = subtask.index
            subtask.work()
            self._tick()

    def _tick(self) -> None:
        self.now = int(time() * 1000)
        self.timers.run(self.now)
        while self.held:
            holder = self.held.take()
            self.index = holder.index
            holder.flush()

    # --- the end -----------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        """All sources have ended, so only loops are left: ends those that are empty, or waits for a timer."""
        self._settle()
        for loop in self._loops:
            loop.report(self.now)
        if self._ended_loops:
            self._loops[self._ended_loops.pop()].end()
            return
        until = min([self.timers.next, *(loop.deadline for loop in self._loops)])
        assert until < inf, "subtasks that have not finished wait for nothing"
        sleep(max(0.0, until / 1000 - time()))

    def send(self, kind: int, exchange: int, payload: bytes) -> None:
        """Takes a report of a loop's monitor: the loop is empty. It ends, as all its subtasks are here."""
        self._ended_loops.append(exchange)

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException as error:
            if issubclass(type(users_error(error)), KeyboardInterrupt | Terminated):
                raise
            tell(f"While stopping the job: {describe(error, self.graph, self.index_of(error))}")
