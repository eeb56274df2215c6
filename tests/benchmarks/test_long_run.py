"""A job at full speed takes no more memory, nor time for a record, the longer it runs.

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
    from collections.abc import Sequence

SCRIPT = Path(__file__).resolve().parent / "scripts" / "long_run.py"
SECONDS = float(os.environ.get("LONG_RUN_SECONDS", "60"))
WORKERS = 2


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


def third(values: Sequence[float], number: int) -> Sequence[float]:
    """The first, second or last third (0, 1, 2) of what was seen in the course of the run."""
    return values[len(values) * number // 3 : len(values) * (number + 1) // 3]


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 120)
def test_a_long_run_takes_no_more_memory_and_no_more_time_for_a_record(tmp_path: Path):
    # given
    meter = tmp_path / "meter"
    roots = [str(ROOT / "engine"), str(ROOT / "runner"), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "pyflink_stream", "-p", str(WORKERS), SCRIPT, "-", str(SECONDS), meter],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots))},
        stderr=subprocess.PIPE,
    )
    memory: dict[int, list[float]] = {}

    # when
    try:
        while True:
            try:
                process.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                for pid in metered(meter):
                    megabytes = resident(pid)
                    if megabytes is not None:
                        memory.setdefault(pid, []).append(megabytes)
    finally:
        process.kill()
        _, err = process.communicate()

    # then
    assert (process.returncode, err) == (0, b"")
    assert len(memory) == WORKERS
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
