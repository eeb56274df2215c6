"""The process function that Flink's Python workers run: between PyFlink's calls and a SubtaskHost.

Only workers and the client of a cluster import this, where PyFlink is.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from math import inf
from threading import Lock, Thread
from time import sleep
from typing import TYPE_CHECKING, Any

from pyflink.common import Row  # pyright: ignore[reportMissingModuleSource]
from pyflink.common.typeinfo import Types  # pyright: ignore[reportMissingModuleSource]
from pyflink.datastream import (  # pyright: ignore[reportMissingModuleSource]
    FlatMapFunction,
    KeyedProcessFunction,
    OutputTag,
    TimeDomain,
)
from pyflink.datastream.state import ValueStateDescriptor  # pyright: ignore[reportMissingModuleSource]

from stream_engine.flink.elements import Drive, Envelope, pack_element
from stream_engine.flink.exception_text import final_text
from stream_engine.flink.worker.console import redirect_streams
from stream_engine.flink.worker.host import TURN, SubtaskHost
from stream_engine.flink.worker_python import other_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stream_engine.flink.elements import Emission
    from stream_engine.flink.unfinished import Unfinished

ELEMENT = Types.ROW([Types.INT(), Types.PRIMITIVE_ARRAY(Types.BYTE())])
"""What travels: the key of the receiving subtask, and the element."""

# Of event time: the input of a source is over when they fire, so it is time's last moments that they share.
_FIRST_TURN = 2**62
_TICK_SIZE = 16 * 1024
# As in the workers of the embedded engine.
_GC_THRESHOLDS = (200_000, 20, 20)
_lock = Lock()
_prepared = False


def side_output(exchange: int) -> Any:
    """The tag of the output that an exchange is."""
    return OutputTag(f"exchange-{exchange}", ELEMENT)


class TaskFunction(KeyedProcessFunction):
    """Task ``task`` of a job. ``keys`` has the Flink keys of the subtasks behind each exchange that leaves it.

    A source that is ``driven`` by timers has turns of event time; one that is not gets elements that say so. Where
    the job is ``checkpointed``, all of the subtask is written to Flink's state before a bundle ends. What functions
    print goes to the client if the job is ``attached``, else to the TaskManager's log, as PyFlink has it.
    """

    def __init__(
        self,
        deployment: bytes,
        task: int,
        keys: Mapping[int, list[int]],
        driven: bool,
        checkpointed: bool,
        attached: bool,
    ) -> None:
        self._deployment = deployment
        self._task = task
        self._keys = dict(keys)
        self._driven = driven
        self._checkpointed = checkpointed
        self._attached = attached
        self._python = sys.version_info[:2]

    def open(self, runtime_context: Any) -> None:
        if sys.version_info[:2] != self._python:
            mine, theirs = (".".join(map(str, each)) for each in (self._python, sys.version_info[:2]))
            raise RuntimeError(final_text(other_python(theirs, mine)))
        _prepare_process(self._attached)
        self._index = runtime_context.get_index_of_this_subtask()
        self._attempt = runtime_context.get_attempt_number()
        self._tags = {exchange: side_output(exchange) for exchange in self._keys}
        self._host: SubtaskHost | None = None
        # The times that Flink's timers are registered for.
        self._timer = inf
        self._turn = _FIRST_TURN
        self._kept: Any = None
        self._backend: Any = None
        if self._checkpointed:
            self._kept = runtime_context.get_state(ValueStateDescriptor("subtask", Types.PRIMITIVE_ARRAY(Types.BYTE())))
            self._backend = backend = runtime_context._keyed_state_backend
            commit = backend.commit

            def commit_all() -> None:
                # There is no callback for snapshots, but before each a bundle ends, and with it the state is written.
                if self._host is not None and self._host.changed:
                    backend.set_current_key(self._key)
                    self._kept.update(self._host.snapshot())
                commit()

            backend.commit = commit_all

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        host = self._hosted(ctx)
        yield from self._sent(host.take(bytes(value)))
        self._schedule(host, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        host = self._hosted(ctx)
        if ctx.time_domain() == TimeDomain.EVENT_TIME:
            yield from self._sent(host.read())
            self._turn += 1
        else:
            self._timer = inf
            yield from self._sent(host.on_time())
        self._schedule(host, ctx)

    def close(self) -> None:
        if getattr(self, "_host", None) is not None:
            self._host.close()  # pyright: ignore[reportOptionalMemberAccess]

    def _hosted(self, ctx: Any) -> SubtaskHost:
        """The host of the subtask, made at the first element: before, there is no key, hence no state nor timers."""
        if self._host is None:
            if self._backend is not None:
                self._key = self._backend.get_current_key()
            deployment = pickle.loads(self._deployment)._replace(attempt=self._attempt)
            kept = self._kept.value() if self._kept is not None else None
            self._host = SubtaskHost(deployment, self._task, self._index, None if kept is None else bytes(kept))
        return self._host

    def _sent(self, emissions: Iterator[Emission]) -> Iterator[Any]:
        for exchange, target, element in emissions:
            if exchange is None:
                yield Row(self._task, element)
            else:
                yield self._tags[exchange], Row(self._keys[exchange][target], element)

    def _schedule(self, host: SubtaskHost, ctx: Any) -> None:
        timers = ctx.timer_service()
        next_timer = host.next_timer
        if next_timer < self._timer:
            self._timer = next_timer
            timers.register_processing_time_timer(int(next_timer))
        if self._driven and host.reads:
            timers.register_event_time_timer(self._turn)


class EndCount(KeyedProcessFunction):
    """Takes all reports of a job that nobody waits for, and fails it if it ends before ``unfinished`` have."""

    def __init__(self, unfinished: Unfinished) -> None:
        self._unfinished = unfinished
        self._awaits = False

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        if not self._awaits:
            # Any time that comes with the end of all reports only.
            ctx.timer_service().register_event_time_timer(_FIRST_TURN)
            self._awaits = True
        self._unfinished.take(bytes(value))
        return iter(())

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        if self._unfinished:
            raise RuntimeError(final_text(str(self._unfinished)))
        return iter(())


class Ticks(FlatMapFunction):
    """Gives each number that comes as a tick to the subtasks whose Flink keys are ``keys``, at the pace of a turn."""

    def __init__(self, keys: list[int]) -> None:
        # So many bytes that only few of them wait before a source, and a barrier behind them.
        self._tick = pack_element([Envelope(Drive.TICK, 0, 0, bytes(_TICK_SIZE))])
        self._keys = keys

    def flat_map(self, value: Any) -> Iterator[Any]:
        for key in self._keys:
            yield Row(key, self._tick)
        sleep(TURN)


def _prepare_process(attached: bool) -> None:
    """Once in each Python worker, whose subtasks are all of one job."""
    global _prepared
    with _lock:
        if _prepared:
            return
        _prepared = True
        if attached:
            redirect_streams()
        gc.set_threshold(*_GC_THRESHOLDS)
        Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A TaskManager that is killed leaves its Python workers behind: this one ends itself.

    Its parent is a shell, which survives as well; the TaskManager is that one's parent.
    """
    shell = os.getppid()
    task_manager = _parent_of(shell)
    while os.getppid() == shell and _parent_of(shell) == task_manager:
        sleep(1)
    os._exit(1)


def _parent_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        listed = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True)
        return int(listed.stdout.strip() or 0)
