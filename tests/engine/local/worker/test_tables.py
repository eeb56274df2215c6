"""State on disk: the same results, and nothing left of it however a job ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from launched import kill_quietly, wait_until
from recoverable import lines_of

from stream_engine.configuration import Configuration
from stream_engine.installation import extra
from stream_engine.job import InvalidProgramException
from stream_engine.local.worker.tables import tables_on_disk

if TYPE_CHECKING:
    from pathlib import Path

    from checkpointed import Job
    from here import Here
    from launched import Jobs

COUNTS = """
def main(factory):
    env = factory.get_execution_environment()
    words = env.from_collection("to be or not to be that is the question".split()).map(lambda word: (word, 1))
    keyed = words.key_by(lambda pair: pair[0])
    keyed.reduce(lambda a, b: (a[0], a[1] + b[1])).output()
    windows = keyed.time_window(100_000_000, 50_000_000)
    windows.apply(lambda key, window, values, out: out.collect((key, len(values)))).output()
    env.execute()
"""
ENDLESS = """
from org.apache.flink.streaming.api.functions.source import SourceFunction

class Numbers(SourceFunction):
    def run(self, ctx):
        number = 0
        while True:
            ctx.collect(number)
            number += 1

def main(factory):
    env = factory.get_execution_environment()
    env.create_python_source(Numbers()).key_by(lambda n: n % 1000).reduce(max).filter(lambda n: n == 20_000).output()
    env.execute()
"""


def options(directory: Path) -> list[str]:
    pytest.importorskip("rocksdict")
    (directory / "state").mkdir()
    return ["-D", "state.backend=rocksdb", "-D", f"io.tmp.dirs={directory}/state"]


@pytest.mark.parametrize("parallelism", [1, 3])
def test_the_results_are_those_of_state_in_memory(here: Here, tmp_path: Path, parallelism: int) -> None:
    def results(*args: str) -> list[str]:
        return sorted(line.rpartition("> ")[2] for line in here.lines(COUNTS, "-p", str(parallelism), *args))

    in_memory = results()
    assert results(*options(tmp_path)) == in_memory
    assert os.listdir(tmp_path / "state") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_job_that_is_stopped_or_killed(here: Here, tmp_path: Path, number: signal.Signals) -> None:
    # Its run() never returns.
    process = here.start(ENDLESS, *options(tmp_path), "-p", "2", "-D", "task.cancellation.timeout=1 s")
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert os.listdir(tmp_path / "state")
        process.send_signal(number)
        assert wait_until(lambda: os.listdir(tmp_path / "state") == [])
    finally:
        kill_quietly(process)


def test_a_missing_package_is_an_error_that_says_what_to_install(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rocksdict", None)
    env = jobs.environment(state__backend="rocksdb")
    env.from_elements(1).output()
    with pytest.raises(InvalidProgramException, match=re.escape(extra("rocksdb"))):
        env.execute()


def test_a_directory_that_cannot_be_written_to_is_an_error_that_names_it(jobs: Jobs, tmp_path: Path) -> None:
    pytest.importorskip("rocksdict")
    env = jobs.environment(state__backend="rocksdb", io__tmp__dirs=tmp_path / "nowhere")
    env.from_elements(1).output()
    with pytest.raises(
        InvalidProgramException, match=rf"state\.backend: rocksdb needs a directory in {tmp_path}/nowhere"
    ):
        env.execute()


@pytest.mark.parametrize("what", ["the directory", "its parent"])
def test_a_directory_that_is_removed_under_the_job_is_made_again_at_the_restart(
    job: Job, tmp_path: Path, what: str
) -> None:
    pytest.importorskip("rocksdict")
    state = tmp_path / "state"
    state.mkdir()

    def clean() -> None:
        for path in [state] if what == "its parent" else state.iterdir():
            shutil.rmtree(path)
        raise ValueError("once")

    env = job.environment(state__backend="rocksdb", io__tmp__dirs=str(state))
    numbers = env.generate_sequence(1, 200).map(job.once(act=clean))
    numbers.key_by(lambda number: number % 7).reduce(lambda a, b: a + b).write_as_text(str(job.output))
    (told,) = job.run(env)
    assert told.startswith("Restart 1 from checkpoint ")
    sums = [sum(range(number % 7 or 7, number + 1, 7)) for number in range(1, 201)]
    assert lines_of(job.output) == [str(number) for number in sums]
    assert os.listdir(state) == []


def test_what_a_worker_has_left_is_removed_before_another_takes_its_place(tmp_path: Path) -> None:
    """Whatever the umask was when the database was made."""
    job = tmp_path / "job"
    job.mkdir(0o700)
    for name in ("1-17", "11-17", "1-x"):
        (job / name).mkdir()
        (job / name).chmod(0o777)
        (job / name / "000001.sst").touch()
    tables_on_disk(Configuration({"state.backend.rocksdb.localdir": str(job)}), 1)
    assert sorted(os.listdir(job)) == ["1-x", "11-17"]


def test_a_directory_where_others_can_put_another_database_is_refused(jobs: Jobs, tmp_path: Path) -> None:
    pytest.importorskip("rocksdict")
    tmp_path.chmod(0o777)
    env = jobs.environment(state__backend="rocksdb", io__tmp__dirs=tmp_path)
    env.from_elements(1).output()
    told = rf"rocksdb needs a directory: {tmp_path} is not used: others can rename .* with io\.tmp\.dirs"
    with pytest.raises(InvalidProgramException, match=told):
        env.execute()
    assert os.listdir(tmp_path) == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_state_on_disk_may_be_larger_than_memory(here: Here, tmp_path: Path) -> None:
    script = """
    import resource, sys
    from org.apache.flink.api.common.functions import RichMapFunction

    class Peak(RichMapFunction):
        def map(self, value):
            return value[1]
        def close(self):
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)

    def main(factory):
        env = factory.get_execution_environment()
        pairs = env.generate_sequence(0, 799_999).map(lambda n: (n % 400_000, 1, f"{n % 400_000:08}" * 125))
        sums = pairs.key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1], b[2]))
        twos = sums.map(Peak()).filter(lambda n: n == 2).map(lambda n: (0, n)).key_by(lambda pair: pair[0])
        twos.reduce(lambda a, b: (0, a[1] + b[1])).filter(lambda pair: pair[1] == 800_000).output()
        env.execute()
    """
    done = here.run(script, *options(tmp_path))
    unit = 1 if sys.platform == "darwin" else 1024
    assert done.lines == ["(0, 800000)"]
    # Of 400,000 keys with 1,000 bytes each.
    assert int(done.err) * unit < 300_000_000
