"""Plans over few records that mean the same wherever they run."""

from __future__ import annotations

from typing import Any

from record_functions import add, add_in_place, is_wanted, key_of, names, ones, repeat, spoil, total

from stream_engine.api.time import Time, TimeCharacteristic

PAIRS = [[number % 5, number] for number in range(40)]


def one_tuples(record: Any) -> Any:
    return tuple(ones(record))


def union_of_branches(env: Any) -> Any:
    pairs = env.from_collection(PAIRS).map(spoil)
    numbers = pairs.split(names)
    return numbers.select("even").union(numbers.select("large", "odd").flat_map(repeat), pairs.filter(is_wanted))


def rolling_reduce(env: Any) -> Any:
    return env.from_collection(PAIRS).map(ones).key_by(key_of).reduce(add_in_place)


def sliding_count_windows(env: Any) -> Any:
    return env.generate_sequence(1, 50).map(one_tuples).key_by(key_of).count_window(4, 2).apply(total)


def spread_in_all_ways(env: Any) -> Any:
    numbers = env.generate_sequence(1, 20)
    return numbers.rebalance().map(str).broadcast().map(str).set_parallelism(2).shuffle().map(str)


def processing_time_windows(env: Any) -> Any:
    """One window, however long the test takes: a day, until the end of the input."""
    days = Time.days(1)
    return env.from_collection(PAIRS).map(one_tuples).key_by(key_of).time_window(days, days).reduce(add)


def event_time_windows(env: Any) -> Any:
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    timed = env.from_collection(PAIRS).assign_timestamps_and_watermarks(lambda pair: pair[1] * 10)
    return timed.map(one_tuples).key_by(key_of).time_window(Time.milliseconds(100)).reduce(add)


def generator(env: Any) -> Any:
    return env.from_collection(pair for pair in PAIRS).map(one_tuples).key_by(key_of).reduce(add)


PLANS = [
    union_of_branches,
    rolling_reduce,
    sliding_count_windows,
    spread_in_all_ways,
    processing_time_windows,
    event_time_windows,
    generator,
]


class Count:
    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, ctx: Any) -> None:
        record = [0, 0]
        for number in range(self.size):
            record[1] = number
            ctx.collect(record)
