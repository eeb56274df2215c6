"""A Flink cluster that is reached through its REST interface and the apache-flink package."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError, version
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

from stream_engine import logs
from stream_engine.configuration.options import ATTACHED
from stream_engine.flink.explanations import explained
from stream_engine.flink.host import failure_in, last_reports_in
from stream_engine.flink.rest import RestClient, RestError
from stream_engine.flink.restarts import Restarts
from stream_engine.flink.settings import flink_settings
from stream_engine.flink.shipping import pack_archive
from stream_engine.flink.visibility import check_paths, is_here
from stream_engine.flink.worker_python import check_python
from stream_engine.installation import extra
from stream_engine.job import ClusterUnusable, JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping, Sequence

    from stream_engine.configuration import Configuration
    from stream_engine.flink.plan import FlinkJob
    from stream_engine.flink.submission import JavaJob
    from stream_engine.graph.job_graph import JobGraph

PACKAGE = "apache-flink"
# How long a job that is cancelled may take to be, in seconds.
_PATIENCE = 30.0
_PYTHON_KEY = "python.executable"
_ENDED = ("FINISHED", "FAILED", "CANCELED")
# The client's Java does little, once: it is to start soon, and to leave the processors alone. Other options win.
_JAVA_OPTIONS = "-XX:+IgnoreUnrecognizedVMOptions -XX:TieredStopAtLevel=1 -XX:-UsePerfData"


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
        self._files = files

    def check(self, plan: JobGraph, configuration: Configuration) -> None:
        """Raises ClusterUnusable when the plan cannot run there. What takes longest is looked at last."""
        _check_client()
        try:
            overview = self._rest.overview()
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
        if overview["slots-total"] < plan.slots:
            raise ClusterUnusable(
                f"The job needs {plan.slots} slots, but the cluster at {self._address} has {overview['slots-total']}: "
                "start more TaskManagers, give them more slots (taskmanager.numberOfTaskSlots), or lower the "
                "parallelism (-p)."
            )
        if overview["slots-available"] < plan.slots:
            raise ClusterUnusable(
                f"The job needs {plan.slots} slots, but of the {overview['slots-total']} that the cluster at "
                f"{self._address} has, {overview['slots-available']} are free: wait for other jobs to end, or cancel "
                f"one on http://{self._address}."
            )
        check_paths(plan, hosts, configuration)

    def submit(self, job: FlinkJob, configuration: Configuration, commit: Callable[[], None]) -> RemoteJob:
        """Calls ``commit`` right before the job is there, which may raise what stops it.

        Raises ClusterUnusable, or JobExecutionException for a job that the cluster refuses.
        """
        settings = flink_settings(configuration)
        if self._jars:
            urls = (each if "://" in each else f"file://{os.path.abspath(each)}" for each in self._jars)
            settings["pipeline.jars"] = ";".join(filter(None, (settings.get("pipeline.jars"), *urls)))
        prepare_java(os.environ)
        directory = tempfile.mkdtemp(prefix="pyflink-stream-")
        try:
            python = settings.pop(_PYTHON_KEY, "") or self._rest.settings().get(_PYTHON_KEY, "python")
            archive = pack_archive(self._files(), directory, python)
            # Java starts while Python imports: each takes seconds.
            Thread(target=_start_java, daemon=True).start()
            from stream_engine.flink.submission import submit

            here = all(map(is_here, self._rest.hosts()))
            check_python(python, here)
            attached = configuration.get(ATTACHED)
            restarts = settings["restart-strategy.type"] != "disable"
            sends_jar = not self._rest.has_python_jar(_series(version(PACKAGE)))
            submitted = submit(job, self._address, settings, archive, commit, attached, sends_jar)
            return RemoteJob(submitted, self._rest, f"{directory}-end" if here else None, restarts)
        except Exception as error:
            raise _refused(error) from error
        finally:
            shutil.rmtree(directory, ignore_errors=True)


class RemoteJob:
    """A job that a cluster has accepted."""

    def __init__(self, job: JavaJob, rest: RestClient, place: str | None, restarts: bool) -> None:
        """``place`` is for a directory that this machine and the JobManager can both have; None: there is none.

        ``restarts`` tells whether it may begin anew when it fails.
        """
        self._restarts = restarts
        self.id = job.id
        self.page = f"http://{rest.address}/#/job/{job.id}"
        self._place = place
        self._completed = False
        self._job = job
        self._rest = rest
        self._cancelled = False

    def reports(self) -> Iterator[bytes]:
        with Restarts(self._rest, self.id) if self._restarts else nullcontext() as restarts:
            try:
                yield from self._job.reports()
            except GeneratorExit:
                raise
            except Exception as error:
                yield from last_reports_in(str(error))
                self._raise_failure(error, restarts)
            if restarts is not None and restarts.final is not None:
                raise JobExecutionException.of(restarts.final, self.id)
        if self._cancelled:
            self._settled()

    def _raise_failure(self, error: Exception, restarts: Restarts | None) -> None:
        """Raises what the end of the job means, if it is not as it should be; ``error`` is PyFlink's."""
        state = self._settled()
        if restarts is not None and restarts.final is not None:
            return
        if self._cancelled and state == "CANCELED":
            return
        if self._completed and state in ("FINISHED", "CANCELED"):
            return
        if state not in _ENDED:
            # Nobody reads what it goes on to say.
            self.cancel()
        raise self._failed(str(error)) from error

    def complete(self) -> None:
        """Lets the job finish: Flink ends endless sources only with a savepoint; without one it is cancelled."""
        if self._completed:
            return
        self._completed = True
        try:
            if self._place is None or not self._rest.drain(self.id, self._place):
                self._rest.cancel(self.id)
        except RestError:
            # It has ended by itself, or the cluster has gone: what reads the reports will know.
            return
        finally:
            if self._place is not None:
                shutil.rmtree(self._place, ignore_errors=True)

    def savepoint(self, directory: str, stop: bool) -> str:
        return self._rest.savepoint(self.id, directory, stop)

    def cancel(self) -> None:
        self._cancelled = True
        try:
            self._rest.cancel(self.id)
        except RestError:
            # It has ended by itself, or the cluster has gone: what reads the reports will know.
            return

    def _settled(self) -> str:
        """The state of the job when it has come to its end."""
        deadline = monotonic() + _PATIENCE
        state = "unknown"
        while monotonic() < deadline:
            try:
                state = self._rest.job(self.id)["state"]
            except RestError as error:
                # An answer that is an error may be another one soon; of a cluster that has gone there is none.
                if not error.answered:
                    return "unknown"
            if state in _ENDED:
                break
            sleep(0.1)
        return state

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


def _refused(error: Exception) -> Exception:
    if isinstance(error, ClusterUnusable | JobExecutionException):
        return error
    return JobExecutionException(f"The Flink cluster did not take the job. {explained(str(error))}")


def _check_client() -> None:
    if sys.version_info >= (3, 13):
        raise ClusterUnusable(
            f"{PACKAGE} has no version for Python {sys.version_info[0]}.{sys.version_info[1]}: run this with Python "
            "3.10, 3.11 or 3.12."
        )
    try:
        version(PACKAGE)
    except PackageNotFoundError:
        raise ClusterUnusable(f"A Flink cluster is reached with {PACKAGE}: run {extra('flink')}.") from None
    java_home = os.environ.get("JAVA_HOME")
    java = os.path.join(java_home, "bin", "java") if java_home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        where = f"JAVA_HOME is {java_home}, where there is no bin/java" if java_home else "there is no java"
        raise ClusterUnusable(
            f"A Flink cluster is reached with Java, but {where}: install Java 17 (on Debian and Ubuntu: apt install "
            "openjdk-17-jre-headless)."
        )


def prepare_java(environment: MutableMapping[str, str]) -> None:
    """Sets the variables that the client's Java starts with, those of its user aside."""
    if not environment.get("JAVA_HOME"):
        # One that is set, but empty, would be taken for a directory.
        environment.pop("JAVA_HOME", None)
    options = environment.get("JVM_ARGS", "")
    if not options.startswith(_JAVA_OPTIONS):
        environment["JVM_ARGS"] = f"{_JAVA_OPTIONS} {options}".rstrip()


def _start_java() -> None:
    """Whoever needs it first waits for it, and is told what went wrong."""
    try:
        from pyflink.java_gateway import get_gateway  # pyright: ignore[reportMissingModuleSource]

        get_gateway()
    except Exception as error:
        logs.debug("Java does not start: %s", error)


def _series(text: str) -> str:
    return ".".join(text.split(".")[:2])
