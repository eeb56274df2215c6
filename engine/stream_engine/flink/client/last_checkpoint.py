"""Has a job take its last checkpoint when all of its subtasks have finished, however long the interval is."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

from stream_engine import logs
from stream_engine.flink.unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.flink.client.rest import RestClient
    from stream_engine.graph.job_graph import JobGraph

# When Flink has declined a checkpoint, it is asked again after so many seconds.
_AGAIN = 1.0


class LastCheckpoint:
    """Reads ``ends`` while the context lasts: elements that tell of finished subtasks before a checkpoint counts them.

    One more end may come after all: of a subtask that resumed from an earlier checkpoint. It needs another one.
    """

    def __init__(self, rest: RestClient, job_id: str, plan: JobGraph, ends: Iterator[bytes]) -> None:
        self._rest = rest
        self._id = job_id
        self._unfinished = Unfinished(plan)
        self._ends = ends
        self._over = Event()
        self._thread = Thread(target=self._run, name="last checkpoint", daemon=True)

    def __enter__(self) -> LastCheckpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _run(self) -> None:
        try:
            for element in self._ends:
                self._unfinished.take(element)
                while not self._unfinished and not self._over.is_set() and not self._taken():
                    self._over.wait(_AGAIN)
        except Exception as error:
            # Whoever reads the reports finds out what has become of the job. Without this, its interval counts.
            logs.debug("The ends of subtasks are not known any more: %s", error)

    def _taken(self) -> bool:
        try:
            return self._rest.checkpoint(self._id)
        except OSError:
            return False
