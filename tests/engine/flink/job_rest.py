"""A stand-in for a cluster that has one job: its REST interface, and what the client's Java has of the job."""

from __future__ import annotations

from collections import Counter
from threading import Event
from typing import TYPE_CHECKING, Any

from launched import PATIENCE
from rest_server import RestServer

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB = "0123456789abcdef0123456789abcdef"


class JobRest(RestServer):
    """The interface. The job is RUNNING until it is cancelled, or drained.

    So many of the next requests as ``faults`` has for their method get an error of the server. With ``loses``, so many
    requests to cancel are accepted, and do nothing. A ``silent`` one ends each connection without an answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state = "RUNNING"
        self.faults: Counter[str] = Counter()
        self.loses = 0
        self.silent = False
        self.asked: Counter[str] = Counter()
        self.ended = Event()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, object] | None:
        self.asked["disposal" if method == "POST" and "savepoint-disposal" in path else method] += 1
        return None if self.silent else self._answer(method, path)

    def _answer(self, method: str, path: str) -> tuple[int, object]:
        if self.faults[method]:
            self.faults[method] -= 1
            return 500, {}
        if self.state == "GONE":
            return 404, {}
        if path.endswith("/exceptions"):
            return 200, {}
        if "savepoint-disposal" in path:
            return 200, {"request-id": "2", "status": {"id": "COMPLETED"}}
        if "/checkpoints" in path:
            return self._on_checkpoint(method)
        if method == "POST":
            self.end("FINISHED")
            return 202, {"request-id": "1"}
        if "/savepoints/" in path:
            return 200, {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/savepoint"}}
        if method == "PATCH":
            self.loses -= 1
            if self.loses < 0:
                self.end("CANCELED")
            return 202, {}
        if path.endswith("/status"):
            return 200, {"status": self.state}
        return 200, {"state": self.state}

    def _on_checkpoint(self, method: str) -> tuple[int, object]:
        if method == "POST":
            self.asked["checkpoint"] += 1
            return 202, {"request-id": "3"}
        return 200, {"status": {"id": "COMPLETED"}, "operation": {"checkpointId": self.asked["checkpoint"]}}

    def end(self, state: str) -> None:
        self.state = state
        self.ended.set()

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        super().__exit__()


class JavaSide:
    """What Java's iterator gives: ``elements``, and then the end of the job, or ``error``."""

    id = JOB

    def __init__(self, rest: JobRest, elements: tuple[bytes, ...] = (), error: Exception | None = None) -> None:
        self._rest = rest
        self._elements = elements
        self._error = error
        # Does not wait for the end of the job.
        self.ends_early = False

    def reports(self) -> Iterator[bytes]:
        yield from self._elements
        if not self.ends_early:
            assert self._rest.ended.wait(PATIENCE), "the job has not ended"
        if self._error is not None:
            raise self._error
