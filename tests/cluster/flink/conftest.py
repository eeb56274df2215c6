from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from flink_commands import FlinkCluster, FlinkCommand
from launched import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """A cluster that all tests share."""
    pytest.importorskip("pyflink", reason="the extra flink is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    with FlinkCluster(tmp_path_factory.mktemp("cluster") / "flink") as running:
        yield running


@pytest.fixture
def cluster(running_cluster: FlinkCluster) -> Iterator[FlinkCluster]:
    """The same one, where nothing is left of this test for the next one."""
    yield running_cluster
    running_cluster.settle()


@pytest.fixture
def flink(cluster: FlinkCluster, tmp_path: Path) -> Iterator[FlinkCommand]:
    command = FlinkCommand(tmp_path, cluster)
    yield command
    command.kill()


@pytest.fixture
def local(tmp_path: Path) -> Command:
    """The same command, whose jobs run on this machine."""
    return Command(tmp_path)
