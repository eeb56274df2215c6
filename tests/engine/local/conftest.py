"""Launchers and fork servers for the tests of the embedded engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import checkpointed
import cloudpickle
import launched
import pytest
from interrupted import Numbers
from launched import Jobs, Launcher
from watched import Watched

from stream_engine.local.executor import LocalExecutor
from stream_engine.local.forkserver.client import ForkServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(tmp_path)


@pytest.fixture
def numbers(launcher: Launcher) -> Numbers:
    return Numbers(launcher)


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    server = ForkServer.start()
    yield server
    server.close()


@pytest.fixture
def jobs(server: ForkServer, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Iterator[Jobs]:
    """On worker processes. Functions of the test's file are sent as they are, so that no worker has to import it."""
    for module in (launched, request.module):
        cloudpickle.register_pickle_by_value(module)
    yield Jobs(LocalExecutor(server), capfd)
    for module in (launched, request.module):
        cloudpickle.unregister_pickle_by_value(module)


@pytest.fixture
def job(jobs: Jobs, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[checkpointed.Job]:
    cloudpickle.register_pickle_by_value(checkpointed)
    yield checkpointed.Job(jobs, tmp_path, capfd)
    cloudpickle.unregister_pickle_by_value(checkpointed)


@pytest.fixture
def watched(server: ForkServer, jobs: Jobs) -> Watched:
    return Watched(server)
