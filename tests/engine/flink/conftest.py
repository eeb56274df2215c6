from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from fake_flink import FakeCluster
from launched import Jobs

from stream_engine.flink.executor import FlinkExecutor
from stream_engine.local.inline.executor import InlineExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sources have many turns, however fast they are."""
    monkeypatch.setattr("stream_engine.flink.worker.host.TURN", 0.001)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def inline(capfd: pytest.CaptureFixture[str]) -> Jobs:
    """Jobs in this process and thread."""
    return Jobs(InlineExecutor(), capfd)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def hosted(cluster: FakeCluster, capfd: pytest.CaptureFixture[str]) -> Jobs:
    """Jobs of the process functions, which lists call in place of Flink."""
    return Jobs(FlinkExecutor(cluster), capfd)
