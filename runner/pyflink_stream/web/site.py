"""Serves the page of running jobs, and the JSON that it shows."""

from __future__ import annotations

from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING, Any

from pyflink_stream.web.history import JobHistory
from pyflink_stream.web.response import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream_engine.status import JobStatus

# How many jobs of a script are remembered.
_JOBS = 20
# A page that has asked within this time (seconds) will ask again.
_ATTENTION = 3.0
_JSON = "application/json; charset=utf-8"


class JobSite:
    """Watches jobs, and answers as Flink's REST API does; at ``/`` with a page for people."""

    def __init__(self) -> None:
        self._page: Response | None = None
        self._changed = Condition()
        self._jobs: dict[str, JobHistory] = {}
        # When somebody last asked, and for which state of which job.
        self._asked_at = -_ATTENTION
        self._told: tuple[str, str] | None = None

    def on_status(self, status: JobStatus) -> None:
        with self._changed:
            if status.job_id in self._jobs:
                self._jobs[status.job_id].add(status)
                return
            self._jobs[status.job_id] = JobHistory(status)
            while len(self._jobs) > _JOBS:
                del self._jobs[next(iter(self._jobs))]

    def answer(self, path: str, headers: Mapping[str, str]) -> Response | None:
        import json

        if path == "/":
            return self._page_itself()
        parts = path.strip("/").split("/")
        with self._changed:
            # Flink's paths may begin with a version.
            found = self._found(*(parts[1:] if parts[0] == "v1" else parts))
            self._changed.notify_all()
        return None if found is None else Response(json.dumps(found).encode(), _JSON)

    def see_out(self, seconds: float) -> None:
        """Lets an open page learn how the last job has ended; returns at once if none is open."""
        with self._changed:
            if not self._jobs or monotonic() - self._asked_at > _ATTENTION:
                return
            last = next(reversed(self._jobs.values())).status
            self._changed.wait_for(lambda: self._told == (last.job_id, last.state), seconds)

    def _page_itself(self) -> Response:
        from pyflink_stream.web.page import page

        self._page = self._page or page()
        return self._page

    def _found(self, *parts: str) -> dict[str, Any] | None:
        from pyflink_stream.web import rest

        jobs = [history.status for history in self._jobs.values()]
        if parts == ("overview",):
            return rest.overview(jobs)
        if parts == ("jobs",):
            return rest.job_ids(jobs)
        if parts == ("jobs", "overview"):
            return rest.jobs_overview(jobs)
        if len(parts) not in (2, 3) or parts[0] != "jobs" or parts[1] not in self._jobs:
            return None
        history = self._jobs[parts[1]]
        if len(parts) == 2:
            self._asked_at, self._told = monotonic(), (history.status.job_id, history.status.state)
            return rest.job_details(history)
        of_job = {"plan": rest.plan, "checkpoints": rest.checkpoints, "exceptions": rest.exceptions}.get(parts[2])
        return of_job and of_job(history.status)
