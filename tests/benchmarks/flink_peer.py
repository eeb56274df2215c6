"""A Flink cluster of this machine for the benchmarks, and the speed of jobs by the slope between two sizes."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from contest import Contestant, contest
from results import Limit, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from suite import Bench

ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = str(ROOT / "bin" / "flink_cluster.py")

# What more words have to take, in seconds: Java, and Flink's Python workers, take a second more or less to start.
_LEAST = 3.0


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


def in_pyflink(label: str, python: str, address: str, script: Path, text: Path) -> Contestant:
    """A script of PyFlink's own API that counts the words of ``text``, which it gets in two files, as its users run it.

    It prints their number in a line of its own.
    """
    question = "import os, pyflink; print(os.path.dirname(pyflink.__file__))"
    home = subprocess.run([python, "-c", question], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    interpreter = ["-pyexec", python, "-pyclientexec", python]
    command = ["bash", f"{home}/bin/flink", "run", "-m", address, *interpreter, "-py", str(script), "2"]
    return Contestant(
        label,
        [*command, *map(str, _halves(text))],
        counts_cpu=False,
        result=lambda run: "".join(re.findall(r"^\d+$", run.out, re.MULTILINE)),
    )


def _halves(text: Path) -> list[Path]:
    """Its lines in two files: PyFlink's source of text gives a file to one of its instances, and never a part."""
    halves = [text.with_suffix(f".{number}") for number in range(2)]
    if not halves[1].exists():
        lines = text.read_bytes().splitlines(keepends=True)
        for number, half in enumerate(halves):
            half.write_bytes(b"".join(lines[number::2]))
    return halves


class Slope(NamedTuple):
    """What ``words`` more have taken, in ``seconds``: without the time to start and to end."""

    words: int
    seconds: float

    @property
    def tells(self) -> bool:
        """Whether it is more than how much the times to start differ."""
        return self.seconds >= _LEAST

    @property
    def of_a_million(self) -> float:
        return self.seconds / self.words * 1_000_000


def slopes(
    contestants: Callable[[Path], Sequence[Contestant]], sizes: tuple[int, int], bench: Bench
) -> dict[str, Slope]:
    """What contestants take that count the words of a file, by their labels. Raises ContestError."""
    few, many = (contest(contestants(bench.text(size)), bench.runs, bench.directory) for size in sizes)
    return {label: Slope(sizes[1] - sizes[0], many[label].wall - few[label].wall) for label in few}


def compared(
    benchmark: str, ours: str, own: Slope, against: str, other: Slope, wanted: Mapping[tuple[str, str, str], Limit]
) -> Row:
    """How many times as fast ours is; its times are those of a million words."""
    key = benchmark, ours, against
    if not (own.tells and other.tells):
        return Row(*key, None, "too small to tell", wanted[key])
    shown = f"{own.of_a_million:.2f} : {other.of_a_million:.2f}"
    return Row(*key, other.of_a_million / own.of_a_million, "", wanted[key], shown)
