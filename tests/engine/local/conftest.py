"""Launchers and fork servers for the tests of the embedded engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import checkpointed
import launched
import pytest
import recoverable
from interrupted import Numbers
from launched import Jobs, Launcher, by_value
from watched import Watched

from stream_engine.local.executor import LocalExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from here import Here

    from stream_engine.local.forkserver.client import ForkServer


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(tmp_path)


@pytest.fixture
def numbers(here: Here) -> Numbers:
    return Numbers(here)


@pytest.fixture(scope="module")
def imported(server: ForkServer, request: pytest.FixtureRequest) -> None:
    """Functions of the test's file are known to workers by its name: their server imports it, and pytest, once."""
    server.fork([], modules=[request.module.__name__])


@pytest.fixture
def jobs(
    server: ForkServer, imported: None, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> Iterator[Jobs]:
    """On worker processes."""
    with by_value(launched, request.module):
        yield Jobs(LocalExecutor(server), capfd)


@pytest.fixture
def job(jobs: Jobs, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[checkpointed.Job]:
    with by_value(checkpointed):
        yield checkpointed.Job(jobs, tmp_path, capfd)


@pytest.fixture
def sent() -> Iterator[None]:
    """What is in ``recoverable`` is sent to workers by value."""
    with by_value(recoverable):
        yield


@pytest.fixture
def watched(server: ForkServer, jobs: Jobs) -> Watched:
    return Watched(server)
