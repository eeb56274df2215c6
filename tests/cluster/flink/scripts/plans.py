"""Plans whose output does not depend on the order of records from different senders."""

from __future__ import annotations

import os
import sys

from org.apache.flink.api.common.accumulators import IntCounter
from org.apache.flink.api.common.functions import RichFlatMapFunction, RichMapFunction
from org.apache.flink.api.common.state import ValueStateDescriptor
from org.apache.flink.streaming.api import TimeCharacteristic
from org.apache.flink.streaming.api.functions.source import SourceFunction
from org.apache.flink.streaming.api.functions.timestamps import BoundedOutOfOrdernessTimestampExtractor
from org.apache.flink.streaming.api.windowing.time.Time import days, milliseconds


def by_first(record):
    return record[0]


def add(one, other):
    return (one[0], one[1] + other[1])


def add_in_place(one, other):
    one[1] += other[1]
    return one


class Total:
    def apply(self, key, window, values, collector):
        collector.collect((key, sorted(values)))


def sliding_count_windows(env, directory):
    """The first firing of (4, 2) is of [1, 2]."""
    # From one sender, so that their order is known.
    numbers = env.from_collection(range(1, 21)).map(lambda number: ("all", number)).set_parallelism(1)
    numbers.key_by(by_first).count_window(4, 2).apply(Total()).output()


class Late(BoundedOutOfOrdernessTimestampExtractor):
    def extractTimestamp(self, record):
        return record[1]


def sliding_event_time_with_late_data(env, directory):
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    times = [1, 4, 2, 30, 3, 31, 60, 5, 59, 61, 100, 40]
    timed = env.from_collection([("a", time) for time in times]).assign_timestamps_and_watermarks(
        Late(milliseconds(10))
    )
    windows = timed.key_by(by_first).time_window(milliseconds(20), milliseconds(10)).side_output_late_data("late")
    result = windows.apply(Total())
    result.output("windows")
    result.get_side_output("late").output("late")


def event_time_of_parallel_sources(env, directory):
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    numbers = env.generate_sequence(0, 999).assign_timestamps_and_watermarks(lambda number: number)
    numbers.map(lambda number: (number % 3, 1)).key_by(by_first).time_window(milliseconds(100)).reduce(add).output()


def processing_time_windows(env, directory):
    numbers = env.generate_sequence(1, 3000).map(lambda number: (number % 7, 1))
    numbers.key_by(by_first).time_window(days(1), days(1)).reduce(add).output()


def split_and_union(env, directory):
    parts = env.generate_sequence(1, 100).split(lambda number: ["even"] if number % 2 == 0 else ["odd", "all"])
    parts.select("even").union(parts.select("odd", "all").map(lambda number: -number)).output("signed")
    parts.select("nothing").output("nothing")


def union_with_itself(env, directory):
    numbers = env.generate_sequence(1, 50).map(str)
    numbers.union(numbers, numbers).output()


class Money:
    def __init__(self, cents, currency):
        self.cents, self.currency = cents, currency

    def __eq__(self, other):
        return (self.cents, self.currency) == (other.cents, other.currency)

    def __hash__(self):
        return hash((self.cents, self.currency))

    def __str__(self):
        return f"{self.cents / 100:.2f} {self.currency}"


def user_types_as_keys(env, directory):
    prices = env.generate_sequence(1, 60).map(lambda number: (Money(number % 4 * 100, "EUR"), 1)).rebalance()
    prices.key_by(by_first).reduce(add).map(lambda pair: f"{pair[0]}: {pair[1]}").output()


def byte_arrays(env, directory):
    def fill(number):
        return bytearray([number % 256]) * 3

    arrays = env.generate_sequence(1, 40).map(fill).rebalance()
    arrays.map(lambda array: (array.hex(), type(array).__name__)).output()


def numpy_records(env, directory):
    import numpy

    arrays = env.generate_sequence(1, 20).map(lambda number: numpy.arange(number)).rebalance()
    arrays.map(lambda array: int(array.sum())).output()


def reduce_in_place(env, directory):
    pairs = env.from_collection([[number % 5, number] for number in range(40)])
    pairs.key_by(by_first).reduce(add_in_place).output()


def keys_of_all_kinds(env, directory):
    keys = [None, (None, 1), ("a", None), "a", b"a", 1, 2.5, True, frozenset({"c"}), "\u00e9"]
    pairs = env.from_collection([(key, 1) for key in keys * 6]).rebalance()
    pairs.key_by(by_first).reduce(add).map(lambda pair: (repr(pair[0]), pair[1])).output()


def spread_in_all_ways(env, directory):
    numbers = env.generate_sequence(1, 40)
    numbers.rebalance().map(str).broadcast().map(str).shuffle().map(str).output().set_parallelism(1)


class Numbered(RichFlatMapFunction):
    def open(self, config):
        self.count = self.getRuntimeContext().getState(ValueStateDescriptor("count", int, 0))

    def flatMap(self, record, collector):
        self.count.update(self.count.value() + 1)
        collector.collect((record[0], self.count.value()))


def keyed_state(env, directory):
    pairs = env.generate_sequence(1, 200).map(lambda number: (f"key {number % 9}", number))
    pairs.key_by(by_first).flat_map(Numbered()).output()


class Counting(RichMapFunction):
    def open(self, config):
        self.seen = IntCounter()
        self.getRuntimeContext().addAccumulator("seen", self.seen)

    def map(self, value):
        self.seen.add(1)
        return value


def accumulators(env, directory):
    env.generate_sequence(1, 500).map(Counting()).filter(lambda number: number % 100 == 0).output()
    result = env.execute("accumulators")
    print("seen", result.get_accumulator_result("seen"), flush=True)
    env.from_elements("next job").output()


class Slow(SourceFunction):
    def run(self, ctx):
        import time

        for number in range(30):
            ctx.collect(number)
            time.sleep(0.02)


def slow_source(env, directory):
    env.add_source(Slow()).map(lambda number: (number % 2, number)).key_by(by_first).reduce(add).output()


def many_records(env, directory):
    numbers = env.generate_sequence(1, 200_000).map(lambda number: (number % 100, 1))
    numbers.key_by(by_first).reduce(add).filter(lambda pair: pair[1] == 2000).output()


def files(env, directory):
    path = os.path.join(directory, "lines")
    env.read_text_file(os.path.join(directory, "words.txt")).rebalance().map(str.upper).write_as_text(path)
    env.execute("files")
    parts = [os.path.join(path, name) for name in os.listdir(path)] if os.path.isdir(path) else [path]
    for part in parts:
        with open(part, encoding="utf-8") as file:
            sys.stdout.write("".join(f"1> {line}" for line in file))
    env.from_elements("written").output()


def printing_functions(env, directory):
    def show(number):
        print(f"printed {number}")
        return number

    env.generate_sequence(1, 5).map(show).output()


def empty_collection(env, directory):
    env.from_collection([]).map(str).output()


PLANS = {
    plan.__name__: plan
    for plan in (
        sliding_count_windows,
        sliding_event_time_with_late_data,
        event_time_of_parallel_sources,
        processing_time_windows,
        split_and_union,
        union_with_itself,
        user_types_as_keys,
        byte_arrays,
        numpy_records,
        reduce_in_place,
        keys_of_all_kinds,
        spread_in_all_ways,
        keyed_state,
        accumulators,
        slow_source,
        many_records,
        files,
        printing_functions,
        empty_collection,
    )
}
