"""Jobs whose result does not depend on the order of records, and what that result is; for tests of recovery.

Each writes lines to a text file, slowly enough to be killed meanwhile.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from stream_engine.api.assigners import BoundedOutOfOrdernessTimestampExtractor
from stream_engine.api.files import WriteMode
from stream_engine.api.time import TimeCharacteristic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stream_engine.api.environment import PythonStreamExecutionEnvironment as Environment

RECORDS = 2_000


def slow(number: int) -> int:
    time.sleep(0.0003)
    return number


def count(pairs: Any) -> Any:
    """Of pairs of a key and 1, the rolling count of each key."""
    return pairs.key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))


def keyed_reduce(env: Environment, output: str) -> list[Any]:
    pairs = env.generate_sequence(1, RECORDS).map(slow).map(lambda number: (number % 13, 1))
    count(pairs).write_as_text(output, WriteMode.OVERWRITE)
    return _counts(13)


def narrow_reduce(env: Environment, output: str) -> list[Any]:
    """On fewer workers than its input, so that what comes from the others must wait for barriers."""
    pairs = env.generate_sequence(1, RECORDS).map(slow).map(lambda number: (number % 13, 1))
    count(pairs).set_parallelism(1).write_as_text(output, WriteMode.OVERWRITE)
    return _counts(13)


def _counts(keys: int) -> list[Any]:
    counts = Counter(number % keys for number in range(1, RECORDS + 1))
    return [(key, rank) for key in counts for rank in range(1, counts[key] + 1)]


class _TenPerMillisecond(BoundedOutOfOrdernessTimestampExtractor):
    def extractTimestamp(self, element: int) -> int:
        return element * 10


def windows(env: Environment, output: str) -> list[Any]:
    """Sliding windows of event time; sources of different speed stay within the bound."""
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    numbers = env.generate_sequence(0, RECORDS - 1).map(slow)
    keyed = numbers.assign_timestamps_and_watermarks(_TenPerMillisecond(1000)).key_by(lambda number: number % 7)
    keyed.time_window(200, 100).apply(
        lambda key, window, values, out: out.collect((key, window.start, len(values)))
    ).write_as_text(output, WriteMode.OVERWRITE)
    contents: Counter[tuple[int, int]] = Counter()
    for number in range(RECORDS):
        start = number * 10 // 100 * 100
        contents.update([(number % 7, start), (number % 7, start - 100)])
    return [(*key, size) for key, size in contents.items()]


def windows_of_now(env: Environment, output: str) -> list[Any]:
    """Windows of processing time: each record is in one of some, whichever that is, and in two of others."""
    numbers = env.generate_sequence(1, RECORDS).map(slow)
    reduced = (
        numbers.map(lambda number: (number % 7, (number,)))
        .key_by(lambda pair: pair[0])
        .time_window(30)
        .reduce(lambda a, b: (a[0], a[1] + b[1]))
        .flat_map(lambda pair, out: [out.collect(("one", number)) for number in pair[1]])
    )
    applied = (
        numbers.key_by(lambda number: number % 5)
        .time_window(40, 20)
        .apply(lambda key, window, values, out: [out.collect(("two", number)) for number in values])
    )
    reduced.union(applied).write_as_text(output, WriteMode.OVERWRITE)
    return [(name, number) for number in range(1, RECORDS + 1) for name in ("one", "two", "two")]


def split_and_union(env: Environment, output: str) -> list[Any]:
    split = env.generate_sequence(1, RECORDS).map(slow).split(lambda n: ["even"] if n % 2 == 0 else ["odd"])
    even = split.select("even").map(lambda number: ("even", number))
    odd = split.select("odd").rebalance().map(lambda number: ("odd", number))
    keyed = even.union(odd).key_by(lambda pair: pair[1] % 5)
    keyed.count_window(10).apply(lambda key, window, values, out: out.collect((key, len(values)))).write_as_text(
        output, WriteMode.OVERWRITE
    )
    return [(key, 10) for key in range(5) for _ in range(RECORDS // 5 // 10)]


def loop(env: Environment, output: str) -> list[Any]:
    """Numbers go round many times, on all workers and keyed by turns; before the last comes, many are on their way."""
    turns, numbers = 20, RECORDS // 20

    def slower(number: int) -> tuple[int, int]:
        time.sleep(0.003)
        return (number, turns)

    iteration = env.generate_sequence(1, numbers).map(slower).iterate()
    keyed = iteration.key_by(lambda pair: pair[0] % 17).reduce(lambda a, b: b)
    body = keyed.map(lambda pair: (slow(pair[0]), pair[1] - 1))
    iteration.close_with(body.filter(lambda pair: pair[1] > 0).rebalance())
    body.write_as_text(output, WriteMode.OVERWRITE)
    return [(number, left) for number in range(1, numbers + 1) for left in range(turns)]


class Counting:
    """A source that resumes where it was, with the lock or without."""

    def __init__(self, locked: bool) -> None:
        self._locked = locked
        self._next = 0
        self._running = True

    def run(self, ctx: Any) -> None:
        lock = ctx.get_checkpoint_lock()
        while self._running and self._next < RECORDS:
            if self._locked:
                with lock:
                    self._collect(ctx)
            else:
                self._collect(ctx)

    def _collect(self, ctx: Any) -> None:
        ctx.collect(self._next)
        time.sleep(0.0001)
        self._next += 1

    def cancel(self) -> None:
        self._running = False

    def snapshot_state(self) -> int:
        return self._next

    def restore_state(self, state: int) -> None:
        self._next = state


def sources(env: Environment, output: str) -> list[Any]:
    """Two that push, and one that has come to its end long before them."""
    first = env.create_python_source(Counting(False)).map(slow).map(lambda number: ("first", number))
    second = env.create_python_source(Counting(True)).map(slow).map(lambda number: ("second", number)).rebalance()
    third = env.from_elements(*range(10)).map(lambda number: ("third", number))
    first.union(second, third).key_by(lambda pair: pair[1] % 13).reduce(lambda a, b: b).write_as_text(
        output, WriteMode.OVERWRITE
    )
    return [*((name, n) for name in ("first", "second") for n in range(RECORDS)), *(("third", n) for n in range(10))]


JOBS: list[Callable[[Environment, str], list[Any]]] = [
    keyed_reduce,
    narrow_reduce,
    windows,
    windows_of_now,
    split_and_union,
    loop,
    sources,
]


def lines_of(output: Path) -> list[str]:
    """All lines of a file, or of the files in a directory; they are whole."""
    files = [output] if output.is_file() else sorted(output.iterdir())
    texts = [file.read_text() for file in files]
    assert all(text.endswith("\n") or not text for text in texts)
    return [line for text in texts for line in text.splitlines()]
