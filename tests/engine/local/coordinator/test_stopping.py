"""That a job under load is stopped soon and cleanly, with checkpoints and without, and that nothing of it is left."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, Launcher, alive, kill_quietly, wait_until
from recoverable import lines_of

if TYPE_CHECKING:
    from pathlib import Path

# As fast as it can: through a loop that spills to disk, and into a file.
LOAD = """
    import os
    from org.apache.flink.api.common.functions import RichMapFunction

    class Noted(RichMapFunction):
        def open(self, config):
            note("pid", os.getpid())
            self.count = 0
        def map(self, value):
            self.count += 1
            if self.count == 20_000:
                note("begun")
            return value
        def close(self):
            note("closed")

    def note(*words):
        with open("log", "a") as file:
            print(*words, file=file)

    def main(factory):
        env = factory.get_execution_environment()
        note("pid", os.getpid())
        loop = env.generate_sequence(1, 10**12).map(lambda n: (n, n % 3)).iterate()
        body = loop.rebalance().map(lambda pair: (pair[0], pair[1] - 1)).map(Noted())
        loop.close_with(body.filter(lambda pair: pair[1] > 0))
        body.key_by(lambda pair: pair[0] % 1000).reduce(lambda a, b: b).write_as_text("output")
        env.execute()
"""
CHECKPOINTS = ("-D", "execution.checkpointing.interval=50")


class Loaded:
    """The job, in the midst of its work, with a directory of its own for temporary files."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, *options: str | int) -> None:
        self.directory = directory
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        monkeypatch.setenv("TMPDIR", str(self.temporary))
        self.process = Launcher(directory).start(LOAD, *options, "-D", "iteration.memory=100kb")
        ready = wait_until(lambda: "begun" in self.log or self.process.poll() is not None)
        if options[-2:] == CHECKPOINTS:
            ready = ready and wait_until(lambda: bool(list(self.temporary.glob("*/*/chk-*/_metadata"))))
        if not ready or self.process.poll() is not None:
            pytest.fail(str(self.process.communicate()))

    @property
    def log(self) -> list[str]:
        path = self.directory / "log"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def pids(self) -> list[int]:
        return [int(line.split()[1]) for line in self.log if line.startswith("pid ")]

    def gone(self) -> bool:
        return wait_until(lambda: not any(map(alive, self.pids)))


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("options", [(), CHECKPOINTS], ids=["alone", "checkpoints"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_loaded_job_stops_soon_with_whole_files_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, options: tuple[str, ...], parallelism: int
) -> None:
    job = Loaded(tmp_path, monkeypatch, "-p", parallelism, *options)
    try:
        job.process.send_signal(number)
        out, err = job.process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(job.process)
    assert (job.process.returncode, out) == (128 + number, "")
    if not options:
        assert err == ""
    assert "Traceback" not in err
    assert job.log.count("closed") == parallelism
    assert job.gone()
    assert list(job.temporary.rglob("*")) == []
    assert lines_of(tmp_path / "output")


@pytest.mark.parametrize("options", [(), CHECKPOINTS], ids=["alone", "checkpoints"])
def test_no_worker_under_load_outlives_a_killed_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    job = Loaded(tmp_path, monkeypatch, "-p", 2, *options)
    servers = subprocess.run(
        ["pgrep", "-P", str(job.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    kill_quietly(job.process)
    assert job.gone()
    assert wait_until(lambda: not any(alive(int(pid)) for pid in servers))
    # Except its checkpoints, from which a job can resume that could not end as it should.
    left = [path.relative_to(job.temporary).parts for path in job.temporary.rglob("*")]
    assert all(path[0].startswith("pyflink-stream-checkpoints-") for path in left), left
