"""A measure without noise: how many instructions a record costs, counted by valgrind in all processes of a contestant.

Times of one contestant vary by half on a busy machine, counts by a thousandth. But an instruction is no second: those
of a program that waits for memory take longer, and system calls are not counted at all.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from contest import ContestError, run_process
from results import Row
from suite import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

    from contest import Contestant

INSTRUCTION_HEADINGS = ("benchmark", "ours", "against", "per record", "to start and end, millions", "result", "", "")

# The sizes that a record's share is the difference of, as parts of those of the benchmarks.
_SMALL, _LARGE = 0.005, 0.02

# It has a ``sitecustomize``, which each Python loads when it starts.
_SLOW_CLOCK = Path(__file__).resolve().parent / "slow_clock"


class NoValgrind(Exception):
    """Nothing can be counted here; the message says what to do."""


def valgrind() -> str:
    """Where it is. Raises NoValgrind."""
    found = shutil.which("valgrind")
    if found is None:
        raise NoValgrind(
            "instructions are counted by valgrind, which is not installed: "
            "try apt install valgrind or dnf install valgrind (it exists for Linux)"
        )
    return found


@dataclass(frozen=True)
class Count:
    """Of one contestant at one size: ``records`` it processed, None where there are none, and all ``instructions``."""

    records: int | None
    instructions: int


@dataclass(frozen=True)
class CountingBench(Bench):
    """As Bench, but ``compare`` counts, for rows that are made when there are two sizes."""

    counts: dict[tuple[str, str], Count] = field(default_factory=dict)
    pairs: list[tuple[str, str, str]] = field(default_factory=list)

    def compare(
        self,
        name: str,
        contestants: list[Contestant],
        *pairs: tuple[str, str],
        records: int | None = None,
        longer: bool = False,
        cpu: tuple[str, str] | None = None,
    ) -> list[Row]:
        """Counts each contestant; no rows yet. Raises ContestError when one fails, or the results differ."""
        results: dict[str, object] = {}
        for contestant in contestants:
            # Not counted: what is only done where Python's caches of compiled modules are not filled.
            contestant.reset()
            run_process(contestant.command, self.directory, contestant.environment)
            contestant.reset()
            self.counts[name, contestant.label], results[contestant.label] = _counted(
                contestant, records, self.directory
            )
        if len(set(results.values())) > 1:
            raise ContestError(f"the results differ: {results}")
        self.pairs.extend((name, ours, against) for ours, against in pairs)
        return []

    def seconds(self, name: str, contestants: list[Contestant]) -> list[Row]:
        """No rows: what counts there is the time."""
        return []


def count(benchmark: Callable[[Bench], list[Row]], bench: Bench) -> list[Row]:
    """The rows of ``benchmark``: what a record costs, or, where none are counted, all from start to end.

    The sizes are small parts of those of ``bench``. Raises ContestError, and NoValgrind.
    """
    small, large = (CountingBench(bench.scale * part, 1, bench.directory, bench.peers) for part in (_SMALL, _LARGE))
    skipped = benchmark(small)
    # Without records one size is as good as the other.
    if any(each.records is not None for each in small.counts.values()):
        benchmark(large)
    return [*skipped, *(_row(small.counts, large.counts, *pair) for pair in small.pairs)]


def _row(
    small: dict[tuple[str, str], Count], large: dict[tuple[str, str], Count], name: str, ours: str, against: str
) -> Row:
    own, other = small[name, ours], small[name, against]
    start = f"{own.instructions / 1e6:.1f} : {other.instructions / 1e6:.1f}"
    if own.records is None:
        return Row(name, ours, against, own.instructions / other.instructions, cpu_seconds=start)
    own_cost, own_start = _share(own, large[name, ours])
    other_cost, other_start = _share(other, large[name, against])
    return Row(
        name,
        ours,
        against,
        other_cost / own_cost,
        seconds=f"{own_cost:,.1f} : {other_cost:,.1f}",
        cpu_seconds=f"{own_start / 1e6:.1f} : {other_start / 1e6:.1f}",
    )


def _share(small: Count, large: Count) -> tuple[float, float]:
    """The instructions that a record costs, and those that are there without any."""
    assert small.records is not None
    assert large.records is not None
    cost = (large.instructions - small.instructions) / (large.records - small.records)
    return cost, small.instructions - cost * small.records


def _counted(contestant: Contestant, records: int | None, directory: Path) -> tuple[Count, object]:
    with tempfile.TemporaryDirectory(dir=directory, prefix="instructions-") as counts:
        command = [
            valgrind(),
            "--tool=callgrind",
            "--trace-children=yes",
            f"--callgrind-out-file={counts}/%p",
            # What is forked begins with the counts of the process that it was forked by.
            "--zero-before=PyOS_AfterFork_Child",
            *contestant.command,
        ]
        path = contestant.environment.get("PYTHONPATH", os.environ.get("PYTHONPATH"))
        environment = {
            **contestant.environment,
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_SLOW_CLOCK), path])),
        }
        run = run_process(command, directory, environment)
        total = sum(map(_total, Path(counts).iterdir()))
    return Count(records, total), contestant.result(run)


def _total(file: Path) -> int:
    """The instructions of one process, by what callgrind has written of it."""
    found = re.search(r"^totals: (\d+)", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    if found is None:
        raise ContestError(f"callgrind has not told how many instructions a process took: {file}")
    return int(found[1])
