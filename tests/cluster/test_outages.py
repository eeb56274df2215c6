"""Stores that do not answer for a while, or any more: a job gets over it within its limits, or says what is wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from busy_proxy import busy_proxy
from remote_stores import hdfs_store, s3_store
from servers import free_ports
from word_counts import TEXT, checkpoints_on, expected

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from hdfs_server import Hdfs
    from launched import Command
    from remote_stores import Store
    from s3 import S3

PATIENCE = 250
# What a store does not do in its time makes a checkpoint fail, and not the job, which is not restarted.
PERSISTENT = (
    "-D", "fs.timeout=200 s",
    "-D", "restart-strategy=none",
    "-D", "execution.checkpointing.tolerable-failed-checkpoints=1000",
)  # fmt: skip


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)


def started(command: Command, script: Path, store: Store, gate: Path, *options: str) -> subprocess.Popen[str]:
    """A job that has written some of its output, and does not end before there is the file ``gate``."""
    text = store.put("text", TEXT)
    process = command.start(
        *options, *store.options, *checkpoints_on(store), script, "-", text, store.url("counts"), gate,
        **store.environment,
    )  # fmt: skip
    wait_until(lambda: store.lines("counts"), process)
    return process


@pytest.mark.timeout(900)
def test_a_job_gets_over_a_name_node_that_goes_away_and_comes_back(command: Command, script: Path, hdfs: Hdfs):
    gate = command.directory / "gate"
    store = hdfs_store(hdfs)
    process = started(command, script, store, gate, *PERSISTENT)

    hdfs.kill_name_node()
    gate.touch()
    hdfs.start_name_node()

    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert store.lines("counts") == expected(command, script)


@pytest.mark.timeout(900)
def test_a_job_gets_over_an_s3_that_answers_503_for_ten_seconds(command: Command, script: Path, s3: S3):
    gate = command.directory / "gate"
    with busy_proxy(s3.port) as proxy:
        store = s3_store(s3, proxy.endpoint)
        process = started(command, script, store, gate, *PERSISTENT)

        proxy.busy = True
        gate.touch()
        time.sleep(10)  # How long it lasts is what is tested.
        proxy.busy = False

        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert proxy.refused > 0
    assert store.lines("counts") == expected(command, script)


@pytest.mark.timeout(900)
def test_a_job_whose_name_node_stays_away_fails_and_says_so(command: Command, script: Path, hdfs: Hdfs):
    gate = command.directory / "gate"
    process = started(
        command, script, hdfs_store(hdfs), gate, "-D", "fs.timeout=20 s", "-D", "restart-strategy=none"
    )  # fmt: skip

    hdfs.kill_name_node()
    try:
        gate.touch()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        hdfs.start_name_node()
        hdfs.wait_until_writable()

    assert process.returncode == 1
    assert "Connection refused" in err
    assert "given up after" in err
    assert "fs.timeout allows 20 s" in err, err


@pytest.mark.parametrize("scheme", ["hdfs", "s3"])
def test_a_store_that_is_not_there_is_told_before_the_job_starts(
    command: Command, script: Path, request: pytest.FixtureRequest, scheme: str
):
    # Skips where the extra is not installed.
    request.getfixturevalue(scheme)
    (port,) = free_ports(1)
    url = f"hdfs://127.0.0.1:{port}/in" if scheme == "hdfs" else "s3://bucket/in"
    options = ("-D", f"fs.s3.endpoint_url=http://127.0.0.1:{port}", "-D", "fs.s3.key=a", "-D", "fs.s3.secret=sesame")

    done = command.run("-D", "fs.timeout=2 s", *options, script, "-", url, "out", "")

    assert done.code == 1
    assert url in done.err
    assert "given up after" in done.err
    assert "made at" in done.err
    assert "sesame" not in done.err
