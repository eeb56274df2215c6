"""A job at full speed takes no more memory, disk, nor time for a record, the longer it runs.

It runs for a minute, or for as many seconds as the environment variable LONG_RUN_SECONDS says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest
from peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SCRIPTS = Path(__file__).resolve().parent / "scripts"
SECONDS = float(os.environ.get("LONG_RUN_SECONDS", "60"))
KEYS = 1_000_000
MB = 1024 * 1024


def metered(meter: Path) -> dict[int, list[tuple[int, float]]]:
    """By worker, the records that it had counted and the CPU time (s) that it had used, again and again."""
    lines = meter.read_text(encoding="utf-8").splitlines() if meter.exists() else []
    samples: dict[int, list[tuple[int, float]]] = {}
    for pid, count, seconds in map(str.split, lines):
        samples.setdefault(int(pid), []).append((int(count), float(seconds)))
    return samples


def resident(pid: int) -> float | None:
    """MB of memory that the process has; None when it has ended."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(listed.stdout) / 1024 if listed.stdout.strip() else None


def on_disk(directory: Path) -> float:
    """MB of the files below the directory, each of them once, whatever its links."""
    sizes: dict[int, int] = {}
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                status = os.lstat(os.path.join(parent, name))
            except FileNotFoundError:
                continue
            sizes[status.st_ino] = status.st_blocks * 512
    return sum(sizes.values()) / MB


def third(values: Sequence[float], number: int) -> Sequence[float]:
    """The first, second or last third (0, 1, 2) of what was seen in the course of the run."""
    return values[len(values) * number // 3 : len(values) * (number + 1) // 3]


def run(arguments: Sequence[str | Path], directory: Path, sample: Callable[[], None]) -> None:
    """Runs a script in ``directory`` to its end, which is to be a good one, with a sample twice a second."""
    roots = [str(ROOT / "engine"), str(ROOT / "runner"), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "pyflink_stream", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots))},
        stderr=subprocess.PIPE,
    )
    try:
        while True:
            try:
                process.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                sample()
    finally:
        process.kill()
        _, err = process.communicate()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 120)
def test_a_long_run_takes_no_more_memory_and_no_more_time_for_a_record(tmp_path: Path):
    # given
    workers = 2
    meter = tmp_path / "meter"
    memory: dict[int, list[float]] = {}

    def sample() -> None:
        for pid in metered(meter):
            megabytes = resident(pid)
            if megabytes is not None:
                memory.setdefault(pid, []).append(megabytes)

    # when
    run(["-p", str(workers), SCRIPTS / "long_run.py", "-", str(SECONDS), meter], tmp_path, sample)

    # then
    assert len(memory) == workers
    for pid, samples in metered(meter).items():
        sizes = memory[pid]
        rates = [(later[0] - sooner[0]) / (later[1] - sooner[1]) for sooner, later in pairwise(samples)]
        print(
            f"worker {pid}: {max(third(sizes, 1)):.1f} MB, then {max(third(sizes, 2)):.1f} MB; "
            f"{median(third(rates, 0)):,.0f} records for a second of CPU time, then {median(third(rates, 2)):,.0f}"
        )
        assert len(sizes) >= SECONDS / 2
        assert len(rates) >= SECONDS / 4
        assert max(third(sizes, 2)) <= 1.05 * max(third(sizes, 1)) + 2
        assert median(third(rates, 2)) >= 0.7 * median(third(rates, 0))


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 120)
def test_a_long_run_with_its_state_on_disk_takes_no_more_memory_nor_disk(tmp_path: Path):
    """With an incremental checkpoint each second. Once all keys are there, both stay as they are."""
    pytest.importorskip("rocksdict")
    # given
    meter, state, kept = tmp_path / "meter", tmp_path / "state", tmp_path / "checkpoints"
    state.mkdir(mode=0o700)
    options = {
        "state.backend": "rocksdb",
        "io.tmp.dirs": state,
        "state.checkpoints.dir": kept,
        "execution.checkpointing.interval": "1 s",
        "execution.checkpointing.incremental": "true",
    }
    memory: list[float] = []
    disk: list[float] = []
    checkpoints: set[Path] = set()

    def sample() -> None:
        checkpoints.update(kept.glob("*/chk-*"))
        ((pid, seen),) = metered(meter).items() or ((0, [(0, 0.0)]),)
        megabytes = resident(pid) if seen[-1][0] > KEYS else None
        if megabytes is not None:
            memory.append(megabytes)
            disk.append(on_disk(state) + on_disk(kept))

    # when
    defined = [argument for key, value in options.items() for argument in ("-D", f"{key}={value}")]
    run([*defined, SCRIPTS / "long_run_on_disk.py", "-", str(SECONDS), meter, str(KEYS)], tmp_path, sample)

    # then
    print(
        f"{max(third(memory, 1)):.1f} MB of memory, then {max(third(memory, 2)):.1f} MB; "
        f"{max(third(disk, 1)):.1f} MB on disk, then {max(third(disk, 2)):.1f} MB; {len(checkpoints)} checkpoints"
    )
    assert len(memory) >= SECONDS / 4
    assert len(checkpoints) >= SECONDS / 8
    assert max(third(memory, 2)) <= 1.1 * max(third(memory, 1))
    assert max(third(disk, 2)) <= 1.2 * max(third(disk, 1))
