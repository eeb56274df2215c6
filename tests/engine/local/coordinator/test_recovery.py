"""Workers are killed at random, and nothing is lost, nothing is there twice, and no line is torn."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
import recoverable
from checkpointed import first, newest
from killing import Killer, children
from recoverable import JOBS, RECORDS, lines_of, slow

from stream_engine.api.files import WriteMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from checkpointed import Job
    from launched import Jobs

    from stream_engine.local.forkserver.client import ForkServer


BACKENDS = ["hashmap", "rocksdb"] if find_spec("rocksdict") else ["hashmap"]
pytestmark = pytest.mark.usefixtures("sent")


class Held:
    """A slow map that holds the numbers from ``last`` on until the file ``over`` is there."""

    def __init__(self, over: Path, last: int) -> None:
        self._over = str(over)
        self._last = last

    def __call__(self, number: int) -> int:
        while number >= self._last and not os.path.exists(self._over):
            time.sleep(0.001)
        return slow(number)


@pytest.fixture
def survived(jobs: Jobs, server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a job under fire and looks at its result; gives how many of its workers were killed."""

    def run(job: Callable[..., list[Any]], parallelism: int, most: int, seed: int) -> int:
        output, over = tmp_path / str(seed), tmp_path / f"{seed} is over"
        # So that no job ends before as many were killed, however fast it is.
        last = RECORDS // 20 if job is recoverable.loop else RECORDS - 1
        monkeypatch.setattr(recoverable, "slow", Held(over, last))
        env = jobs.environment(
            parallelism,
            execution__checkpointing__interval=(5, 20, 60)[seed % 3],
            state__checkpoints__dir=str(tmp_path / "checkpoints"),
            restart_strategy="fixed-delay",
            restart_strategy__fixed_delay__attempts=1_000_000,
            restart_strategy__fixed_delay__delay=0,
            state__backend=BACKENDS[seed % len(BACKENDS)],
            execution__checkpointing__incremental=seed // 2 % 4 != 0,
        )
        expected = job(env, str(output))
        with Killer(lambda: children(server.pid), most, seed, over=over.touch) as killer:
            env.execute()
        assert Counter(lines_of(output)) == Counter(map(str, expected)), (job.__name__, parallelism, seed)
        return killer.kills

    return run


@pytest.mark.parametrize(("job", "parallelism"), [(job, 1 + number % 4) for number, job in enumerate(JOBS)])
def test_a_result_is_exact_though_a_worker_is_killed(
    survived: Callable[..., int], job: Callable[..., list[Any]], parallelism: int
) -> None:
    assert survived(job, parallelism, most=1, seed=parallelism + 2 * JOBS.index(job)) == 1


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_results_are_exact_though_workers_are_killed_100_times(survived: Callable[..., int]) -> None:
    kills, seed = 0, random.randrange(1_000_000)
    while kills < 100:
        for job in JOBS:
            for parallelism in (1, 2, 3, 4):
                kills += survived(job, parallelism, most=5, seed=seed)
                seed += 1
    print(f"{kills} kills in {seed} runs")


class Filled:
    """A map that fails once: when a checkpoint has all the state that there is with the number ``full``."""

    def __init__(self, job: Job, full: int) -> None:
        self._full = full
        self._checkpoints = str(job.checkpoints)
        self._failed = str(job.marker)
        self._back = f"{job.marker}, and back"
        self._full_since = 0

    def map(self, number: int) -> int:
        if number % 1000:
            return number
        if os.path.exists(self._failed):
            first(self._back)
        elif number > self._full:
            latest = newest(self._checkpoints)
            self._full_since = self._full_since or latest + 1
            if latest > self._full_since and first(self._failed):
                raise ValueError("full")
        return number


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_job_with_100_mb_of_state_is_soon_back(job: Job) -> None:
    """From the failure to the first record after it; the result is that of an undisturbed job."""
    keys, size = 100_000, 1000
    env = job.environment(2, execution__checkpointing__interval=1000)
    numbers = env.generate_sequence(0, 20 * keys - 1).map(Filled(job, full=keys))
    records = numbers.map(lambda number: (number % keys, 1, bytes(size)))
    counts = records.key_by(lambda record: record[0]).reduce(lambda a, b: (a[0], a[1] + 1, b[2]))
    wanted = counts.filter(lambda record: record[0] % 1000 == 0).map(lambda record: record[:2])
    wanted.write_as_text(str(job.output), WriteMode.OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    assert Counter(lines_of(job.output)) == Counter(str((key, n)) for key in range(0, keys, 1000) for n in range(1, 21))
    seconds = os.stat(f"{job.marker}, and back").st_mtime - os.stat(job.marker).st_mtime
    print(f"{seconds:.2f} s from the failure to the first record after it")
