"""Word counts, through the real command."""

from __future__ import annotations

import ast
import os
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from programs import WORD_COUNT

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Jobs, Launcher

ROLLING = """
    import resource, sys
    from org.apache.flink.api.common.functions import RichMapFunction

    class Memory(RichMapFunction):
        def map(self, value):
            return value
        def close(self):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            sys.stderr.write(f"peak {peak // 1024 if sys.platform == 'darwin' else peak}\\n")

    def split(line, collector):
        for word in line.split():
            collector.collect((1, word))

    def main(factory):
        env = factory.get_execution_environment()
        counts = env.read_text_file(sys.argv[1]).flat_map(split)
        counts = counts.key_by(lambda pair: pair[1]).reduce(lambda a, b: (a[0] + b[0], a[1])).map(Memory())
        counts.write_as_text(sys.argv[2])
        env.execute()
"""


def windowed_totals(lines: list[str]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for line in lines:
        count, word = ast.literal_eval(line.rpartition("> ")[2])
        totals[word] += count
    return totals


def check_windowed(launcher: Launcher, jobs: Jobs, parallelism: int, times: int) -> None:
    """Once with the command, and so many times with workers alone."""
    assert windowed_totals(launcher.lines(WORD_COUNT, "-p", parallelism)) == {"hello": 1000, "world": 1000}
    for _ in range(times):
        assert windowed_totals(jobs.script_lines(WORD_COUNT, parallelism)) == {"hello": 1000, "world": 1000}


def check_rolling(launcher: Launcher, words: int, distinct: int, parallelism: int) -> int:
    """Compares with plain Python; returns the largest peak memory of a worker, in KiB."""
    pick = random.Random(7)
    expected: Counter[str] = Counter()
    with (launcher.directory / "words.txt").open("w") as file:
        for _ in range(words // 10):
            line = [f"w{pick.randrange(distinct)}" for _ in range(10)]
            expected.update(line)
            print(*line, file=file)
    done = launcher.run(ROLLING, "-p", parallelism, "-", "words.txt", "counts")
    assert done.code == 0, done.err
    written = Counter(line for path in files(launcher.directory / "counts") for line in path.read_text().splitlines())
    rolling = {str((count, word)) for word, total in expected.items() for count in range(1, total + 1)}
    assert written.total() == words
    assert written.keys() == rolling
    return max(int(line.split()[1]) for line in done.err.splitlines() if line.startswith("peak "))


def files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [path / name for name in os.listdir(path)]


@pytest.mark.parametrize("parallelism", [1, 2, 4])
def test_the_windowed_word_count_loses_and_invents_nothing(launcher: Launcher, jobs: Jobs, parallelism: int) -> None:
    check_windowed(launcher, jobs, parallelism, times=4)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("parallelism", [1, 2, 4])
def test_the_windowed_word_count_never_loses_or_invents_anything(
    launcher: Launcher, jobs: Jobs, parallelism: int
) -> None:
    check_windowed(launcher, jobs, parallelism, times=50)


@pytest.mark.parametrize("parallelism", [1, 2])
def test_rolling_counts_are_those_of_plain_python(launcher: Launcher, parallelism: int) -> None:
    check_rolling(launcher, 50_000, 500, parallelism)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("parallelism", [1, 2])
def test_two_million_words_are_counted_in_little_memory(launcher: Launcher, parallelism: int) -> None:
    assert check_rolling(launcher, 2_000_000, 20_000, parallelism) < 100 * 1024
