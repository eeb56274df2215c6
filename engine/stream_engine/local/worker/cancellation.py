"""How a worker stops before its input ends: it cancels all sources at once, waits for them, then closes functions.

No function is closed while a thread is in it. What does not return in time is named on standard error.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from threading import Thread, Timer, get_ident
from typing import TYPE_CHECKING

from stream_engine.local.deadline import deadline_in, seconds_to
from stream_engine.operators.code import inlined_at, is_generated, site_of
from stream_engine.report import one_line, whereabouts
from stream_engine.task.failure import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from types import FrameType

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.worker.push_source import PushSource
    from stream_engine.local.worker.push_sources import PushSources
    from stream_engine.task.sources import Reader
    from stream_engine.task.subtask import Subtask

# The part of the time for closing that is kept for telling what has not been closed.
_TELLING = 0.1


class Cancellation:
    """Stops worker ``index``, which is killed at ``deadline``; never, if that is None."""

    def __init__(self, graph: JobGraph, index: int, deadline: float | None) -> None:
        self._graph = graph
        self._index = index
        self._deadline = deadline
        left = seconds_to(deadline)
        # A worker that learns late that it has to stop still keeps half of its time for closing.
        self._sources_deadline = deadline_in(None if left is None else left / 2)

    def run(self, sources: PushSources, subtasks: Collection[Subtask], readers: Iterable[Reader]) -> None:
        """Returns when everything has been closed that can be, whatever that raises."""
        busy = sources.release()
        requests = [_Request(source) for source in sources if source.running]
        for request in requests:
            request.start()
        for request in requests:
            request.wait(self._sources_deadline)
        if busy is not None and busy.gone.wait(seconds_to(self._sources_deadline)):
            busy = None
        # Of a source that has started threads of its own, one of them may be at a record after the end of ``run``.
        stuck = [source for source in sources if source.seat is busy]
        unfinished = dict.fromkeys([*(request.source for request in requests if request.unfinished), *stuck])
        for request in requests:
            if request.error is not None:
                self._tell_error(request.error)
        for source in unfinished:
            self._tell_unfinished(source)
        in_use = self._in_use(stuck, subtasks) if stuck else set[int]()
        with self._watched(sources, subtasks):
            for source in sources:
                if source not in unfinished:
                    self._attempt(source.close)
            for subtask in subtasks:
                if subtask.task.id not in in_use:
                    self._attempt(subtask.close)
            for reader in readers:
                self._attempt(reader.close)

    def _in_use(self, sources: Iterable[PushSource], subtasks: Iterable[Subtask]) -> set[int]:
        """The tasks of the functions that another thread is in, and those that it can reach from there."""
        files = {frame.f_code.co_filename for stack in _other_stacks() for frame in stack}
        tasks = {subtask.task.id for subtask in subtasks if subtask.chain.process.__code__.co_filename in files}
        tasks.update(source.subtask.task.id for source in sources)
        reached: set[int] = set()
        while tasks:
            task = tasks.pop()
            reached.add(task)
            tasks.update({exchange.target_task for exchange in self._graph.outputs(task)} - reached)
        return reached

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException as error:
            self._tell_error(error)

    # --- messages ----------------------------------------------------------------------------------------------------

    def _tell_error(self, error: BaseException) -> None:
        _tell(str(describe(error, self._graph, self._index)))

    def _tell_unfinished(self, source: PushSource) -> None:
        stack = list(_stack(source.frame()))
        if not source.running:
            # A thread that the source has started itself.
            stack = next((each for each in map(list, _other_stacks()) if any(map(_is_chain, each))), stack)
        head = source.subtask.task.head.id
        called = next(filter(_is_chain, stack), None)
        if called is not None:
            operator = site_of(called.f_code, called.f_lineno).operator
            name = self._name(operator if operator >= 0 else head)
            _tell(f"{name} is still processing a record{_at(stack)}. Functions of its task are not closed.")
        elif source.running:
            _tell(f"run() has not returned in {self._name(head)}{_at(stack)}. The source is not closed.")
        else:
            _tell(f"cancel() has not returned in {self._name(head)}. The source is not closed.")

    @contextmanager
    def _watched(self, sources: Iterable[PushSource], subtasks: Iterable[Subtask]) -> Iterator[None]:
        """Names what is still being closed shortly before the worker is killed."""
        main = get_ident()

        def tell() -> None:
            stack = list(_stack(sys._current_frames().get(main)))
            operators = [each.closing for each in (*sources, *subtasks) if each.closing is not None]
            for operator in operators:
                _tell(f"close() has not returned in {self._name(operator)}{_at(stack)}.")

        left = seconds_to(self._deadline)
        if left is None:
            yield
            return
        timer = Timer(left * (1 - _TELLING), tell)
        timer.daemon = True
        # Without a thread for it nothing is told, but all is closed.
        with suppress(RuntimeError):
            timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _name(self, operator: int) -> str:
        task, node = next((task, node) for task in self._graph.tasks for node in task.operators if node.id == operator)
        made = f", made at {node.location}" if node.location else ""
        return f"operator '{one_line(node.name)}' (subtask {self._index + 1} of {task.parallelism}{made})"


class _Request:
    """Asks ``source`` to end, in a thread of its own: nobody knows how long its ``cancel`` takes."""

    def __init__(self, source: PushSource) -> None:
        self.source = source
        self.error: BaseException | None = None
        self._thread = Thread(target=self._run, name=f"cancel {source.subtask.task.head.name}", daemon=True)

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:
            # The system has no thread left.
            self._run()

    def _run(self) -> None:
        try:
            self.source.cancel()
        except BaseException as error:
            self.error = error

    def wait(self, deadline: float | None) -> None:
        """Waits for the source to end, until ``deadline`` at most."""
        self.source.join(seconds_to(deadline))
        if self._thread.is_alive():
            self._thread.join(seconds_to(deadline))

    @property
    def unfinished(self) -> bool:
        """Whether ``run`` or ``cancel`` has not returned."""
        return self.source.running or self._thread.is_alive()


def _other_stacks() -> Iterator[Iterator[FrameType]]:
    """Where each other thread is."""
    return (_stack(frame) for thread, frame in sys._current_frames().items() if thread != get_ident())


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of a thread, the innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_chain(frame: FrameType) -> bool:
    return is_generated(frame.f_code)


def _at(stack: list[FrameType]) -> str:
    where = whereabouts(stack[0], inlined_at) if stack else ""
    return f", at {where}" if where else ""


def _tell(what: str) -> None:
    sys.stderr.write(f"While stopping the job: {what}\n")
