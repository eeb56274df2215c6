"""What the subtasks of a job tell its client beside their reports, which checkpoints hold up: how far they are."""

from __future__ import annotations

from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from stream_engine import logs
from stream_engine.flink.elements import ElementReader
from stream_engine.flink.unfinished import Unfinished
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.flink.client.rest import RestClient
    from stream_engine.graph.job_graph import JobGraph

# When Flink has declined a checkpoint, it is asked again after so many seconds.
_AGAIN = 1.0


class EarlyReports:
    """Reads ``elements`` of these while the context lasts; some may come more than once.

    When all subtasks have finished, the job is asked for a checkpoint, which lets their reports through: its interval
    may be long. One more end may come after that: of a subtask that has resumed from before it. It needs another one.
    """

    def __init__(self, rest: RestClient, job_id: str, plan: JobGraph, elements: Iterator[bytes]) -> None:
        self._rest = rest
        self._id = job_id
        self._unfinished = Unfinished(plan)
        self._elements = elements
        self._lock = Lock()
        self._statuses: dict[tuple[int, int], bytes] = {}
        self._over = Event()
        self._thread = Thread(target=self._run, name="early reports", daemon=True)

    def __enter__(self) -> EarlyReports:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def statuses(self) -> dict[tuple[int, int], bytes]:
        """The newest of each task and subtask that has told one since the last call: as in a report of Kind.STATUS."""
        with self._lock:
            found, self._statuses = self._statuses, {}
        return found

    def _run(self) -> None:
        reader = ElementReader()
        try:
            for element in self._elements:
                for kind, task, subtask, payload in reader.read(element):
                    if kind == Kind.STATUS:
                        with self._lock:
                            self._statuses[task, subtask] = payload
                    elif kind == Kind.FINISHED:
                        self._unfinished.finish(task, subtask)
                        self._take_checkpoint()
        except Exception as error:
            # Whoever reads the reports finds out what has become of the job. Without this, its interval counts.
            logs.debug("No more is told of subtasks before a checkpoint: %s", error)

    def _take_checkpoint(self) -> None:
        while not self._unfinished and not self._over.is_set():
            try:
                if self._rest.checkpoint(self._id):
                    return
            except OSError:
                pass
            self._over.wait(_AGAIN)
