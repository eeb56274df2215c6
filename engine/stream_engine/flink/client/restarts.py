"""Watches a job on a cluster that restarts when it fails, and tells of it."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from stream_engine.flink.client.explanations import explained, final_in
from stream_engine.flink.exception_text import failure_in
from stream_engine.local.output import tell
from stream_engine.report import one_line

if TYPE_CHECKING:
    from stream_engine.failures.failure import Failure
    from stream_engine.flink.client.rest import RestClient

# In seconds.
_PAUSE = 1.0
_GOES_ON = ("CREATED", "RUNNING", "RESTARTING")


class Restarts:
    """Looks at the failures of a job while the context lasts.

    ``final`` is one that would come again after a restart, for which the job is cancelled; None: there was none.
    """

    def __init__(self, rest: RestClient, job_id: str) -> None:
        self.final: Failure | None = None
        self._rest = rest
        self._id = job_id
        self._count = 0
        # When the last failure came that was told of, in ms.
        self._told = 0
        self._over = Event()
        self._thread = Thread(target=self._run, name="restarts", daemon=True)

    def __enter__(self) -> Restarts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def look(self) -> None:
        """Tells of the failures since the last look. Raises RestError."""
        entries: list[dict[str, Any]] = self._rest.failures(self._id)
        fresh = [each for each in entries if each["timestamp"] > self._told]
        # The last failure of a job is told of by whoever runs it.
        if not (fresh or self.final) or self._rest.job(self._id)["state"] not in _GOES_ON:
            return
        for entry in sorted(fresh, key=lambda each: each["timestamp"]):
            if self.final is not None:
                break
            self._told = entry["timestamp"]
            failure = failure_in(entry["stacktrace"]) or final_in(entry["stacktrace"])
            if failure is not None and failure.final:
                self.final = failure
                break
            self._count += 1
            said = explained(entry["stacktrace"]) if failure is None else failure.headline
            tell(f"Restart {self._count}: {one_line(said)}")
        if self.final is not None:
            # At each look, as long as it goes on: a request may get lost.
            self._rest.cancel(self._id)

    def _run(self) -> None:
        while not self._over.wait(_PAUSE):
            try:
                self.look()
            except OSError:
                # Whoever reads the reports of the job finds out that the cluster has gone.
                continue
