"""A job that is drained leaves nothing of the savepoint that Flink takes then, whoever Flink runs as."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.flink.client.rest import RestClient

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where this user can be another one, the JobManager is: "nobody" on most systems.
OTHER = 65534 if os.geteuid() == 0 else None


class JobManager:
    """Takes savepoints, and removes them, as Flink does."""

    def __init__(self) -> None:
        self.refuses = False
        self.asked: list[str] = []
        self.location = ""
        job_manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                job_manager.asked.append(self.path)
                if self.path == "/savepoint-disposal":
                    shell('rm -r "$1"', body["savepoint-path"].removeprefix("file:"))
                elif not job_manager.refuses:
                    directory = body["targetDirectory"].removeprefix("file://")
                    shell('mkdir "$1/savepoint-1" && echo state > "$1/savepoint-1/_metadata"', directory)
                    job_manager.location = f"file:{directory}/savepoint-1"
                self._answer({"request-id": "1"})

            def do_GET(self) -> None:
                known = job_manager.location and "disposal" not in self.path
                operation = {"location": job_manager.location} if known else {}
                self._answer({"status": {"id": "COMPLETED"}, "operation": operation})

            def _answer(self, answer: Any) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def shell(command: str, argument: str) -> None:
    subprocess.run(["sh", "-c", f"umask 022; {command}", "sh", argument], user=OTHER, cwd="/", check=True)


@pytest.fixture
def job_manager() -> Iterator[JobManager]:
    job_manager = JobManager()
    yield job_manager
    job_manager.close()


@pytest.fixture
def place() -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        # Others see what is in it.
        os.chmod(directory, 0o755)
        yield os.path.join(directory, "end")


def test_nothing_is_left_of_the_savepoint(job_manager: JobManager, place: str) -> None:
    location = RestClient(job_manager.address).drain("job", place)

    assert location == f"file:{place}/savepoint-1"
    assert job_manager.asked == ["/jobs/job/stop", "/savepoint-disposal"]
    assert not os.path.exists(place)


def test_without_a_savepoint_the_job_was_not_drained(job_manager: JobManager, place: str) -> None:
    job_manager.refuses = True

    assert RestClient(job_manager.address).drain("job", place) is None
    assert job_manager.asked == ["/jobs/job/stop"]
    assert not os.path.exists(place)


def test_a_job_is_not_drained_into_what_is_there_already(job_manager: JobManager, place: str) -> None:
    os.mkdir(place)

    assert RestClient(job_manager.address).drain("job", place) is None
    assert job_manager.asked == []
    assert os.path.exists(place)
