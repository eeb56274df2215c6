from __future__ import annotations

import pytest
from fake_flink import FakeCluster
from launched import Jobs

from stream_engine.flink.executor import FlinkExecutor
from stream_engine.local.inline.executor import InlineExecutor


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
