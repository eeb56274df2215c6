"""A job that is drained leaves nothing of the savepoint that Flink takes then, whoever Flink runs as."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from rest_server import RestServer

from stream_engine.flink.client.rest import RestClient

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where this user can be another one, the JobManager is: "nobody" on most systems.
OTHER = 65534 if os.geteuid() == 0 else None


class JobManager(RestServer):
    """Takes savepoints, and removes them, as Flink does."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False
        self.asked: list[str] = []
        self.location = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, object]:
        if method == "GET":
            known = self.location and "disposal" not in path
            operation = {"location": self.location} if known else {}
            return 200, {"status": {"id": "COMPLETED"}, "operation": operation}
        self.asked.append(path)
        if path == "/savepoint-disposal":
            shell('rm -r "$1"', body["savepoint-path"].removeprefix("file:"))
        elif not self.refuses:
            directory = body["targetDirectory"].removeprefix("file://")
            shell('mkdir "$1/savepoint-1" && echo state > "$1/savepoint-1/_metadata"', directory)
            self.location = f"file:{directory}/savepoint-1"
        return 200, {"request-id": "1"}


def shell(command: str, argument: str) -> None:
    subprocess.run(["sh", "-c", f"umask 022; {command}", "sh", argument], user=OTHER, cwd="/", check=True)


@pytest.fixture
def job_manager() -> Iterator[JobManager]:
    with JobManager() as job_manager:
        yield job_manager


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
