"""What the subtasks of a job tell its client beside their reports, which checkpoints hold up: how far they are."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

from stream_engine import logs
from stream_engine.flink.elements import ElementReader
from stream_engine.flink.unfinished import Unfinished
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.flink.client.rest import RestClient
    from stream_engine.graph.job_graph import JobGraph

# In seconds: between two questions for them, and between two of the last checkpoints.
_LOOKS, _CHECKPOINTS = 1.0, 0.5


class Answer(NamedTuple):
    """What Flink's sink for a client says when it is asked for its elements of one ``version`` from an offset on.

    It keeps no element before the offset that it was asked for. Each time that the job begins it has another version,
    and gives nothing to who asks for the former one: it goes on at ``counted``, the offset at the last checkpoint.
    """

    version: str
    counted: int
    elements: list[bytes]


class EarlyReports:
    """Reads what the sink of these gives to ``ask``, while the context lasts; some may come more than once.

    When all subtasks have finished, the job is asked for checkpoints until ``stop``: its interval may be long, and a
    checkpoint lets those reports through that the client had fetched and acknowledged before it, which may be none.
    """

    def __init__(self, rest: RestClient, job_id: str, plan: JobGraph, ask: Callable[[str, int], Answer]) -> None:
        """``ask`` takes a version and an offset, and may raise anything, as before the sink is there."""
        self._rest = rest
        self._id = job_id
        self._unfinished = Unfinished(plan)
        self._ask = ask
        self._reader = ElementReader()
        self._lock = Lock()
        self._statuses: dict[tuple[int, int], bytes] = {}
        self._over = Event()
        self._thread = Thread(target=self._run, name="early reports", daemon=True)
        # Another one, as subtasks that have begun anew wait for those who read what they tell.
        self._checkpoints: Thread | None = None

    def __enter__(self) -> EarlyReports:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """The reports of all subtasks have come: nothing is asked for any more."""
        self._over.set()

    def statuses(self) -> dict[tuple[int, int], bytes]:
        """The newest of each task and subtask that has told one since the last call: as in a report of Kind.STATUS."""
        with self._lock:
            found, self._statuses = self._statuses, {}
        return found

    def _run(self) -> None:
        version, offset = "", 0
        while not self._over.is_set():
            elements: list[bytes] = []
            try:
                answer = self._ask(version, offset)
            except Exception as error:
                # Whoever reads the reports finds out what has become of the job.
                logs.debug("No answer to what subtasks tell before a checkpoint: %s", error)
            else:
                if answer.version != version:
                    version, offset = answer.version, answer.counted
                elements = answer.elements
            offset += len(elements)
            for element in elements:
                self._take(element)
            if not elements:
                self._over.wait(_LOOKS)

    def _take(self, element: bytes) -> None:
        for kind, task, subtask, payload in self._reader.read(element):
            if kind == Kind.STATUS:
                with self._lock:
                    self._statuses[task, subtask] = payload
            elif kind == Kind.FINISHED:
                self._unfinished.finish(task, subtask)
                if not self._unfinished and self._checkpoints is None:
                    self._checkpoints = Thread(target=self._take_checkpoints, name="last checkpoints", daemon=True)
                    self._checkpoints.start()

    def _take_checkpoints(self) -> None:
        while not self._over.is_set():
            # Flink may decline one, and the cluster be away for a while.
            with suppress(OSError):
                self._rest.checkpoint(self._id)
            self._over.wait(_CHECKPOINTS)
