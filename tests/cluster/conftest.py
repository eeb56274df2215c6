"""Tests of this directory need servers that they start themselves: ``make test-cluster`` runs them.

Where such a server cannot be had, as there is no Java or no download, its tests are skipped, and say why. Where the
environment says ``CI=true``, a skip is a failure: what is skipped there by mistake would never be seen.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hdfs_server import Hdfs
from launched import Command
from s3 import S3
from word_counts import WORD_COUNT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Iterator

    from kafka_broker import Kafka
    from remote_stores import Store

HERE = Path(__file__).parent
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests, before it is decided by their marks which are run."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("cluster")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _without_skips((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    # Of the modules alone: a package that is not there is no failure where the tests of it are not to be run.
    report = yield
    chosen = "cluster" in collector.config.option.markexpr.split()[:1]
    return _without_skips(report) if chosen else report


def _without_skips(report: Report) -> Report:
    """The report, of a failure where it would have been of a skip and that does not do."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"CI=true, where nothing may be skipped. {reason}"
    return report


@pytest.fixture(scope="session")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    """A file system that all tests share; a test that stops it starts it again."""
    pytest.importorskip("hdfs_native", reason="the extra hdfs is not installed")
    with Hdfs(tmp_path_factory.mktemp("hdfs")) as running:
        yield running


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An object store that all tests share."""
    for package in ("s3fs", "moto"):
        pytest.importorskip(package, reason="the extras s3 and cluster are not installed")
    with S3(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker that all tests share; a test that kills it starts it again."""
    pytest.importorskip("confluent_kafka", reason="the extra kafka is not installed")
    from kafka_broker import Kafka

    with Kafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(params=["hdfs", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    """A directory of a store, on each kind of store."""
    from remote_stores import hdfs_store, s3_store

    return (hdfs_store if request.param == "hdfs" else s3_store)(request.getfixturevalue(request.param))


class _Recorded(Command):
    """Knows the processes that it has started."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *args: object, **options: Any) -> subprocess.Popen[str]:
        self.started.append(super().start(*args, **options))
        return self.started[-1]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The command in a directory of its own; what a test that fails leaves of it is killed."""
    command = _Recorded(tmp_path)
    yield command
    for process in command.started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def script(command: Command) -> Path:
    """A word count from one place to another."""
    return command.write("word_count.py", WORD_COUNT)
