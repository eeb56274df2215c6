"""A Flink cluster of this machine for the benchmarks, and the speed of jobs by the slope between two sizes."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from contest import Contestant

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = str(ROOT / "bin" / "flink_cluster.py")


@contextmanager
def flink_cluster(python: str, directory: Path) -> Iterator[str]:
    """One JobManager and two TaskManagers of the apache-flink that ``python`` has; the address of the cluster."""
    place = ["--directory", str(directory / "flink-cluster")]
    start = [python, _SCRIPT, "start", "--task-managers", "2", "--slots", "1", *place]
    address = subprocess.run(start, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    try:
        yield address
    finally:
        subprocess.run([python, _SCRIPT, "stop", *place], check=True)


def on_cluster(label: str, python: str, address: str, script: Path, argument: object) -> Contestant:
    """A script whose job runs on the cluster with a parallelism of 2."""
    command = [python, "-m", "pyflink_stream", "-p", "2", "-m", address, str(script), "-", str(argument)]
    path = os.pathsep.join(str(ROOT / name) for name in ("engine", "runner"))
    return Contestant(label, command, {"PYTHONPATH": path}, counts_cpu=False)
