"""Contestants that do the same work, each a process of its own, measured in turns."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# Seconds after which a contestant is given up.
PATIENCE = 900


class ContestError(Exception):
    """A contestant failed, or came to another result than the others."""


@dataclass(frozen=True)
class Run:
    """One run of a process: seconds of wall time and of CPU time, and what it wrote to standard output."""

    wall: float
    cpu: float
    out: str


@dataclass(frozen=True)
class Contestant:
    """A command, and how its result is known: by what it prints, unless ``result`` says.

    ``counts_cpu`` is false where processes take part that it does not wait for. ``reset`` is called before each run.
    """

    label: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    counts_cpu: bool = True
    reset: Callable[[], None] = lambda: None
    result: Callable[[Run], object] = lambda run: run.out.strip()


@dataclass(frozen=True)
class Times:
    """The medians of a contestant's runs, in seconds; ``cpu`` is None where it cannot be known."""

    wall: float
    cpu: float | None


def contest(contestants: Sequence[Contestant], runs: int, directory: Path) -> dict[str, Times]:
    """The times of each contestant, by its label. They take turns, so that all meet the same moods of the machine.

    Raises ContestError.
    """
    taken: dict[str, list[Run]] = {contestant.label: [] for contestant in contestants}
    results: dict[str, object] = {}
    for _ in range(runs):
        for contestant in contestants:
            contestant.reset()
            run = run_process(contestant.command, directory, contestant.environment)
            taken[contestant.label].append(run)
            results[contestant.label] = contestant.result(run)
            if len(set(results.values())) > 1:
                raise ContestError(f"the results differ: {results}")
    return {
        contestant.label: Times(
            median(run.wall for run in taken[contestant.label]),
            median(run.cpu for run in taken[contestant.label]) if contestant.counts_cpu else None,
        )
        for contestant in contestants
    }


def run_process(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Run:
    """Runs ``command`` to its end, and ends whatever it has left behind. Raises ContestError when it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = start_process(command, directory, environment, out, err)
        watch = threading.Timer(PATIENCE, kill_group, [process.pid])
        watch.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            watch.cancel()
            kill_group(process.pid)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            late = f", killed after {PATIENCE} s" if wall >= PATIENCE else ""
            raise ContestError(f"{' '.join(command)} ended with status {process.returncode}{late}:\n{err.read()}")
        return Run(wall, usage.ru_utime + usage.ru_stime, out.read())


def start_process(
    command: Sequence[str], directory: Path, environment: Mapping[str, str], out: object, err: object
) -> subprocess.Popen[bytes]:
    """Starts ``command`` in a process group of its own."""
    return subprocess.Popen(
        command,
        cwd=directory,
        env={**{name: value for name, value in os.environ.items() if name != "FLINK_CONF_DIR"}, **environment},
        stdin=subprocess.DEVNULL,
        stdout=out,  # type: ignore[arg-type]
        stderr=err,  # type: ignore[arg-type]
        start_new_session=True,
    )


def kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
