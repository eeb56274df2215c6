"""A Flink cluster that is reached through its REST interface and the apache-flink package."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from importlib.metadata import version
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import ATTACHED
from stream_engine.flink.client.early_reports import EarlyReports
from stream_engine.flink.client.ending import Ending, has_ended
from stream_engine.flink.client.explanations import explained
from stream_engine.flink.client.java import PACKAGE, check_client, start_java
from stream_engine.flink.client.rest import RestClient, RestError
from stream_engine.flink.client.restarts import Restarts
from stream_engine.flink.client.settings import check_checkpoints, flink_settings, ignored_options
from stream_engine.flink.client.shipping import Archives
from stream_engine.flink.client.slots import can_grow, check_slots
from stream_engine.flink.client.visibility import check_paths, workers_elsewhere
from stream_engine.flink.exception_text import failure_in, last_reports_in
from stream_engine.flink.worker_python import check_python
from stream_engine.job import ClusterUnusable, JobExecutionException
from stream_engine.local.output import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from stream_engine.configuration import Configuration
    from stream_engine.flink.client.java_job import JavaJob
    from stream_engine.flink.plan import FlinkJob
    from stream_engine.graph.job_graph import JobGraph

_PYTHON_KEY = "python.executable"
# How long the slots of a job may take to be free after its end, in seconds.
_PATIENCE = 30.0


class RemoteCluster:
    """The cluster at ``address``: HOST:PORT.

    ``files`` gives what goes along with each job, by names in the archive; ``jars`` are paths of what Flink needs.
    """

    def __init__(
        self, address: str, files: Callable[[], list[tuple[str, str]]] = list, jars: Sequence[str] = ()
    ) -> None:
        self._jars = jars
        self._rest = RestClient(address)
        self._address = address
        self._archives = Archives(files)
        # As the last check has found it: the JobManager's configuration, and which workers are on other machines.
        self._theirs: dict[str, str] = {}
        self._elsewhere: str | None = None
        self._told: set[str] = set()
        # Whether this has waited for a job to end.
        self._waited = False

    def check(self, plan: JobGraph, configuration: Configuration) -> None:
        """Raises ClusterUnusable when the plan cannot run there. What takes longest is looked at last."""
        check_client()
        start_java()
        try:
            overview = self._overview(plan.slots)
            self._theirs = self._rest.settings()
            hosts = self._rest.hosts()
        except RestError as error:
            raise ClusterUnusable(
                f"There is no Flink cluster at {self._address}: {error}. Give the address of its web page with "
                "-m HOST:PORT; make flink-cluster starts one on this machine."
            ) from None
        theirs, mine = overview["flink-version"], version(PACKAGE)
        if _series(theirs) != _series(mine):
            raise ClusterUnusable(
                f"The cluster at {self._address} is Flink {theirs}, but {PACKAGE} here is {mine}: they must be of the "
                f"same series. Install it with {sys.executable} -m pip install '{PACKAGE}=={_series(theirs)}.*'."
            )
        check_slots(plan.slots, self._address, overview, self._theirs)
        check_checkpoints(configuration, self._theirs)
        self._elsewhere = workers_elsewhere(hosts, can_grow(self._theirs))
        check_paths(plan, self._elsewhere, configuration)
        self._tell_ignored(configuration)

    def _overview(self, needed: int) -> dict[str, Any]:
        """That of the cluster. The slots of the script's former job are free some time after its end: waits for it."""
        deadline = monotonic() + _PATIENCE
        while True:
            overview = self._rest.overview()
            if not self._waited or not overview["slots-available"] < needed <= overview["slots-total"]:
                return overview
            if monotonic() > deadline:
                return overview
            sleep(0.05)

    def _tell_ignored(self, configuration: Configuration) -> None:
        """Each option once in a script."""
        ignored = [key for key in ignored_options(configuration, self._theirs) if key not in self._told]
        self._told.update(ignored)
        if ignored:
            tell(f"Without effect on a Flink cluster: {', '.join(ignored)}.")

    def submit(self, job: FlinkJob, configuration: Configuration, commit: Callable[[], None]) -> RemoteJob:
        """Calls ``commit`` right before the job is there, which may raise what stops it.

        Raises ClusterUnusable, or JobExecutionException for a job that the cluster refuses.
        """
        settings = flink_settings(configuration, self._theirs)
        if self._jars:
            urls = (each if "://" in each else f"file://{os.path.abspath(each)}" for each in self._jars)
            settings["pipeline.jars"] = ";".join(filter(None, (settings.get("pipeline.jars"), *urls)))
        sent = Event()

        def begun() -> None:
            commit()
            sent.set()

        try:
            python = settings.pop(_PYTHON_KEY, "") or self._theirs.get(_PYTHON_KEY, "python")
            archive = self._archives.pack(python)
            from stream_engine.flink.client.submission import submit

            here = self._elsewhere is None
            check_python(python, here)
            attached = configuration.get(ATTACHED)
            restarts = settings["restart-strategy.type"] != "disable"
            sends_jar = not self._rest.has_python_jar(_series(version(PACKAGE)))
            self._waited = attached
            submitted = submit(job, self._address, settings, archive, begun, attached, sends_jar)
            place = f"{archive.directory}-{job.id}" if here else None
            early = None
            if attached and job.waits_for_checkpoints:
                early = EarlyReports(self._rest, job.id, job.plan, submitted.early_reports)
            return RemoteJob(submitted, self._rest, place, restarts, job.ticks, early)
        except BaseException as error:
            failed = isinstance(error, Exception)
            if sent.is_set():
                # It may have come to the cluster nevertheless.
                Ending(self._rest, job.id).leave(at_once=not failed)
            if not failed:
                raise
            raise _refused(error) from error


class RemoteJob:
    """A job that a cluster has accepted."""

    def __init__(
        self,
        job: JavaJob,
        rest: RestClient,
        place: str | None,
        restarts: bool,
        endless: bool,
        early: EarlyReports | None = None,
    ) -> None:
        """``place`` is for a directory that this machine and the JobManager can both have; None: there is none.

        ``restarts`` tells whether it may begin anew when it fails, ``endless`` whether its sources have no end.
        """
        self._early = early
        self._restarts = restarts
        self._endless = endless
        self.id = job.id
        self.page = rest.page(job.id)
        self._place = place
        self._completed = False
        self._job = job
        self._rest = rest
        self._cancelled = False
        self._ending = Ending(rest, job.id)

    def reports(self) -> Iterator[bytes]:
        failed: Exception | None = None
        with ExitStack() as watchers:
            restarts = watchers.enter_context(Restarts(self._rest, self.id)) if self._restarts else None
            if self._early is not None:
                watchers.enter_context(self._early)
            try:
                yield from self._job.reports()
            except Exception as error:
                yield from last_reports_in(str(error))
                failed = error
            state = self._ending.wait()
            final = None if restarts is None else restarts.final
        cancelled = self._cancelled
        if not has_ended(state):
            # Flink's client takes a job for ended whose state it cannot ask for.
            self.leave()
        self._ending.close()
        if final is not None:
            raise JobExecutionException.of(final, self.id)
        # All that is left of a complete endless job is its end. Flink fails one whose last savepoint a task declines.
        if self._completed and (self._endless or state != "FAILED"):
            return
        if cancelled and (failed is None or state == "CANCELED"):
            return
        if failed is not None or state == "FAILED":
            raise self._failed(str(failed or "")) from failed
        if state != "FINISHED":
            raise JobExecutionException(f"{_odd_end(state)} See {self.page}", self.id)

    def statuses(self) -> dict[tuple[int, int], bytes]:
        return {} if self._early is None else self._early.statuses()

    def complete(self) -> None:
        """Lets the job finish: Flink ends endless sources only with a savepoint; without one it is cancelled."""
        if not self._completed:
            self._completed = True
            if self._early is not None:
                self._early.stop()
            if self._endless:
                self._ending.begin(self._drain)

    def _drain(self) -> None:
        if self._place is None or not self._rest.drain(self.id, self._place):
            self._rest.cancel(self.id)

    def savepoint(self, directory: str, stop: bool) -> str:
        return self._rest.savepoint(self.id, directory, stop)

    def cancel(self) -> None:
        self._cancelled = True
        self._ending.cancel()

    def leave(self, at_once: bool = False) -> None:
        self._cancelled = True
        self._ending.leave(at_once)

    def _failed(self, text: str) -> JobExecutionException:
        failure = failure_in(text)
        if failure is None:
            try:
                text = self._rest.cause(self.id) or text
            except RestError:
                pass
            failure = failure_in(text)
        if failure is not None:
            return JobExecutionException.of(failure, self.id)
        return JobExecutionException(explained(text), self.id)


def _odd_end(state: str) -> str:
    """What is to be said of a job whose reports have ended without an error."""
    if state == "CANCELED":
        return "The job was cancelled on the Flink cluster."
    if has_ended(state):
        return "The Flink cluster does not know the job any more: its JobManager may have been started anew."
    return f"Nothing more is told of the job, although it has not ended: it was {state}, and was cancelled."


def _refused(error: Exception) -> Exception:
    if isinstance(error, ClusterUnusable | JobExecutionException):
        return error
    return JobExecutionException(f"The Flink cluster did not take the job. {explained(str(error))}")


def _series(text: str) -> str:
    return ".".join(text.split(".")[:2])
