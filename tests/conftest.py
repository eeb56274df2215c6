"""What all tests rely on."""

from __future__ import annotations

import gc
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from launched import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from here import Here

    from stream_engine.local.forkserver.client import ForkServer

# A run in the background of a shell ignores SIGINT and SIGQUIT, one under nohup SIGHUP, and so would every process that
# the tests start and send one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

# Nothing fails for being slow: a machine may be busy with something else. Of drawn examples, a run of all tests has
# few, and each run has others; `make test-long` has many.
settings.register_profile("patient", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("patient"), max_examples=500)
settings.load_profile("patient")

# What workers import when they get to it, which most tests get to.
LATE_IMPORTS = (
    "prepared",
    "pyflink_stream.imports",
    "pyflink_stream.program",
    "stream_engine.api.environment",
    "stream_engine.connectors.splits",
    "stream_engine.connectors.text_output",
    "stream_engine.local.late_records",
    "stream_engine.local.worker.checkpoints.restoration",
    "stream_engine.local.worker.checkpoints.round",
    "stream_engine.local.worker.checkpoints.writer",
    "stream_engine.local.worker.log_forwarder",
    "stream_engine.operators.inlining",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Looks for garbage seldom, and not among thousands of tests: that would be a fifth of the time of small ones."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    """Where the workers of all jobs come from that run in this process."""
    from stream_engine.local.forkserver.client import ForkServer

    server = ForkServer.start()
    server.fork([], modules=LATE_IMPORTS)
    yield server
    server.close()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def here(tmp_path: Path, server: ForkServer, capfd: pytest.CaptureFixture[str]) -> Here:
    from here import Here

    return Here(tmp_path, server, capfd)
