"""Flink's REST interface, as far as it is asked here."""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

# In seconds.
_TIMEOUT = 30
# How long looks at something that takes its time may fail, and when the next one comes.
_SILENCE, _AGAIN = 60.0, 0.5
# How the name of the jar begins that has the Java side of PyFlink.
PYTHON_JAR = "flink-python-"
_NO_FLINK = "what answers there is no Flink"


class RestError(OSError):
    """The cluster cannot be asked, or does not answer as Flink does. Whether it has ``answered`` at all.

    ``missing``: its answer is that it does not know what was asked for.
    """

    def __init__(self, message: str, answered: bool = False, missing: bool = False) -> None:
        super().__init__(message)
        self.answered = answered
        self.missing = missing


def as_url(place: str) -> str:
    """A directory as Flink is told of it: a path is one of all machines' files."""
    return place if "://" in place else f"file://{os.path.abspath(place.removeprefix('file:'))}"


def _host_of(manager: dict[str, Any]) -> str:
    """That of a TaskManager: on Kubernetes and YARN its id is the name of a pod, or of a container."""
    address = re.search(r"@(\[[^]]*\]|[^:/]+):\d+/", manager.get("path", ""))
    return (address[1] if address else manager["id"].rpartition(":")[0]).strip("[]")


class RestClient:
    """The interface at ``address``: HOST:PORT. All methods raise RestError."""

    def __init__(self, address: str) -> None:
        self.address = address
        # The cluster's address is as it was given, whatever proxy there is for the web.
        self._opener = build_opener(ProxyHandler({}))

    def page(self, identifier: str) -> str:
        """Where people can look at a job. Asks nobody."""
        return f"http://{self.address}/#/job/{identifier}"

    def overview(self) -> dict[str, Any]:
        """``flink-version``, ``slots-total``, ``slots-available``, ``taskmanagers``, ..."""
        answer = self.get("/overview")
        if not isinstance(answer, dict) or "flink-version" not in answer:
            raise RestError(_NO_FLINK)
        return answer

    def settings(self) -> dict[str, str]:
        """The configuration of the JobManager; empty where it tells nobody."""
        try:
            return {entry["key"]: entry["value"] for entry in self.get("/jobmanager/config")}
        except RestError as error:
            if not error.answered:
                raise
            return {}

    def has_python_jar(self, series: str) -> bool:
        """Whether the Java side of PyFlink is among the cluster's own jars, of the versions that ``series`` begins."""
        try:
            classpath = self.get("/jobmanager/environment").get("classpath", [])
        except RestError as error:
            if not error.answered:
                raise
            return False
        return any(os.path.basename(path).startswith(f"{PYTHON_JAR}{series}.") for path in classpath)

    def hosts(self) -> set[str]:
        """The hosts that TaskManagers run on."""
        return {_host_of(manager) for manager in self.get("/taskmanagers")["taskmanagers"]}

    def job(self, identifier: str) -> dict[str, Any]:
        return self.get(f"/jobs/{identifier}")

    def state(self, identifier: str) -> str:
        """Flink's JobStatus, such as RUNNING."""
        try:
            # What it tells of a job as a whole may be three seconds old.
            return str(self._part(self.get(f"/jobs/{identifier}/status"), "status"))
        except RestError as error:
            if not error.answered or error.missing:
                raise
            # Only there it says that it does not know a job.
            return str(self._part(self.job(identifier), "state"))

    def failures(self, identifier: str) -> list[dict[str, Any]]:
        """The newest failures of a job, each with its ``timestamp`` (ms) and ``stacktrace``."""
        return self.get(f"/jobs/{identifier}/exceptions").get("exceptionHistory", {}).get("entries", [])

    def cause(self, identifier: str) -> str:
        """The text of the exception that a job failed with; empty when there is none."""
        answer = self.get(f"/jobs/{identifier}/exceptions?maxExceptions=1")
        entries = answer.get("exceptionHistory", {}).get("entries", [])
        return entries[0].get("stacktrace", "") if entries else answer.get("root-exception") or ""

    def cancel(self, identifier: str) -> None:
        self._ask("PATCH", f"/jobs/{identifier}?mode=cancel")

    def drain(self, identifier: str, directory: str) -> str | None:
        """Stops a job as if its sources had ended, which Flink does with a savepoint in ``directory`` of this machine.

        Nothing is left there. Returns where the savepoint was, or None where none could be taken.
        """
        try:
            os.mkdir(directory)
            # Whoever the JobManager runs as writes to it, and only they can remove what is theirs.
            os.chmod(directory, 0o1777)
        except OSError:
            return None
        try:
            body = {"drain": True, "targetDirectory": as_url(directory)}
            location = self._saved(identifier, f"/jobs/{identifier}/stop", body).get("location")
            if location is not None:
                # The job has ended as it should, whatever comes of this.
                with suppress(RestError, LookupError, TypeError):
                    self._dispose(location)
            return location
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def savepoint(self, identifier: str, directory: str, stop: bool) -> str:
        """Takes a savepoint in ``directory``, and stops the job with it if so asked; returns its path."""
        place = as_url(directory)
        if stop:
            answer = self._saved(identifier, f"/jobs/{identifier}/stop", {"drain": False, "targetDirectory": place})
        else:
            answer = self._saved(identifier, f"/jobs/{identifier}/savepoints", {"target-directory": place})
        if "location" not in answer:
            trace = answer.get("failure-cause", {}).get("stack-trace", "")
            causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
            raise RestError((causes or trace.splitlines() or ["no cause was given"])[-1].removeprefix("Caused by: "))
        # Flink's way to write a path.
        return re.sub("^file:/+", "/", answer["location"])

    def checkpoint(self, identifier: str) -> None:
        """Has a job take a checkpoint, and waits until it is there, or Flink has declined it."""
        path = f"/jobs/{identifier}/checkpoints"
        self._done(path, self._ask("POST", path, {}))

    def _saved(self, identifier: str, path: str, body: object) -> dict[str, Any]:
        return self._done(f"/jobs/{identifier}/savepoints", self._ask("POST", path, body))

    def _done(self, path: str, asked: Any) -> dict[str, Any]:
        """What has come of something that takes its time: ``asked`` is the answer to the request for it."""
        trigger = self._part(asked, "request-id")
        heard = monotonic()
        while True:
            try:
                answer = self.get(f"{path}/{trigger}")
            except RestError as error:
                # It goes on all the same.
                if error.missing or monotonic() - heard > _SILENCE:
                    raise
                sleep(_AGAIN)
                continue
            heard = monotonic()
            if self._part(answer, "status", "id") == "COMPLETED":
                return self._part(answer, "operation")
            sleep(0.05)

    def _part(self, answer: Any, *keys: str) -> Any:
        """What is in an answer, which another server than Flink may have given."""
        for key in keys:
            if not isinstance(answer, dict) or key not in answer:
                raise RestError(_NO_FLINK, answered=True)
            answer = answer[key]
        return answer

    def _dispose(self, savepoint: str) -> None:
        """Has the JobManager remove a savepoint."""
        trigger = self._ask("POST", "/savepoint-disposal", {"savepoint-path": savepoint})["request-id"]
        while self.get(f"/savepoint-disposal/{trigger}")["status"]["id"] != "COMPLETED":
            sleep(0.05)

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"http://{self.address}{path}", data, headers, method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            error.close()
            raise RestError(f"{path}: {error.code} {error.reason}", True, error.code == HTTPStatus.NOT_FOUND) from error
        except (HTTPException, URLError, OSError) as error:
            raise RestError(str(getattr(error, "reason", error))) from error
        except ValueError as error:
            raise RestError(_NO_FLINK) from error
