"""Transformations: every one of the guide's list, in one program."""

from __future__ import annotations

from ast import literal_eval
from collections import Counter

import pytest
from guided import Guide, Run
from launched import Command

PROGRAM = """
from org.apache.flink.api.common.functions import (
    FilterFunction, FlatMapFunction, MapFunction, ReduceFunction, RichMapFunction)
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.collector.selector import OutputSelector
from org.apache.flink.streaming.api.functions.windowing import WindowFunction
from org.apache.flink.streaming.api.windowing.time.Time import milliseconds
from org.apache.flink.streaming.python.api.datastream import *

class Doubler(MapFunction):
    def map(self, value):
        return value * 2

class Tokenizer(FlatMapFunction):
    def flatMap(self, word, collector):
        collector.collect((1, word))

class EachLetter(FlatMapFunction):
    def flatMap(self, word, collector):
        for letter in word:
            collector.collect(letter)

class GreaterThen1000(FilterFunction):
    def filter(self, value):
        return value > 1000

class Selector(KeySelector):
    def getKey(self, input):
        return input[1]  # Key by the second element in a tuple

class Sum(ReduceFunction):
    def reduce(self, input1, input2):
        count1, val1 = input1
        count2, val2 = input2
        return (count1 + count2, val1)

class WindowSum(WindowFunction):
    def apply(self, key, window, values, collector):
        sum = 0
        for value in values:
            sum += value[0]
        collector.collect((key, sum))

class Bounds(WindowFunction):
    def apply(self, key, window, values, collector):
        collector.collect((window.end - window.start, window.start % 10))

class StreamSelector(OutputSelector):
    def select(self, value):
        return ["even"] if value % 2 == 0 else ["odd"]

class MinusOne(MapFunction):
    def map(self, value):
        return value - 1

class PositiveNumber(FilterFunction):
    def filter(self, value):
        return value > 0

class LessEquelToZero(FilterFunction):
    def filter(self, value):
        return value <= 0

class Where(RichMapFunction):
    def map(self, value):
        return value[1], self.getRuntimeContext().getIndexOfThisSubtask()

def main(factory):
    env = factory.get_execution_environment()

    data_stream = env.from_elements(499, 500, 501, "a")
    data_stream.map(Doubler()).output("map")
    words = env.from_elements("to", "be", "", "to")
    words.flat_map(Tokenizer()).output("flat_map")
    words.flat_map(EachLetter()).output("flat_map_many")
    env.from_elements(999, 1000, 1001, 5000).filter(GreaterThen1000()).output("filter")

    pairs = env.from_collection([(n, "key%d" % (n % 7)) for n in range(700)])
    pairs.key_by(Selector()).map(Where()).output("key_by")

    data = env.from_elements((1, "a"), (10, "b"), (2, "a"), (3, "a"), (20, "b"))
    data.key_by(Selector()).reduce(Sum()).output("reduce")

    keyed_stream = env.from_collection([(n, key) for n in range(1, 21) for key in "ab"]).key_by(Selector())
    windowed_stream = keyed_stream.count_window(10, 5)  # Last 10 elements, sliding (jumping) by 5 elements
    windowed_stream.apply(WindowSum()).output("count_window_apply")
    windowed_stream.reduce(Sum()).output("count_window_reduce")
    windowed_stream = keyed_stream.time_window(milliseconds(30))  # Last 30 milliseconds of data
    windowed_stream.apply(WindowSum()).output("time_window_apply")
    windowed_stream.apply(Bounds()).output("time_window_bounds")
    windowed_stream.reduce(Sum()).output("time_window_reduce")
    windowed_stream = keyed_stream.time_window(milliseconds(100), milliseconds(20))
    windowed_stream.apply(WindowSum()).output("sliding_apply")
    windowed_stream.apply(Bounds()).output("sliding_bounds")
    windowed_stream.reduce(Sum()).output("sliding_reduce")

    other_stream1, other_stream2 = env.from_elements("1a", "1b"), env.from_elements("2a")
    words.union(other_stream1, other_stream2).output("union")
    words.union(words).output("union_itself")

    splited_stream = env.generate_sequence(1, 6).split(StreamSelector())
    even_data_stream = splited_stream.select("even")
    odd_data_stream = splited_stream.select("odd")
    all_data_stream = splited_stream.select("even", "odd")
    even_data_stream.output("even")
    odd_data_stream.output("odd")
    all_data_stream.output("all")

    initial_stream = env.from_elements(100, 3, 1, 0, -5)
    iteration = initial_stream.iterate(5000)
    iteration_body = iteration.map(MinusOne())
    iteration_body.output("iteration_body")
    feedback = iteration_body.filter(PositiveNumber())
    iteration.close_with(feedback)
    output = iteration_body.filter(LessEquelToZero())
    output.output("iteration")
    env.execute()

    kinds = [
        (PythonDataStream, words.map(len), data.key_by(Selector()).reduce(Sum()), windowed_stream.reduce(Sum()),
         windowed_stream.apply(WindowSum()), words.union(words), even_data_stream),
        (PythonKeyedStream, keyed_stream),
        (PythonWindowedStream, windowed_stream),
        (PythonSplitStream, splited_stream),
        (PythonIterativeStream, iteration),
    ]
    print("kinds:", [all(isinstance(stream, kind) for stream in streams) for kind, *streams in kinds])
    env.execute()
"""


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "on two workers"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Guide(Command(tmp_path_factory.mktemp("transformations"))).run(PROGRAM, request.param)


def summed(records: list[str], key: int) -> dict[str, int]:
    """The sums of (key, number) pairs, whose key is at the index ``key``."""
    found: Counter[str] = Counter()
    for pair in map(literal_eval, records):
        found[pair[key]] += pair[1 - key]
    return dict(found)


def test_transformations_map_takes_one_element_and_produces_one(run: Run) -> None:
    assert run.records("map") == ["1000", "1002", "998", "aa"]


def test_transformations_flat_map_produces_zero_one_or_more(run: Run) -> None:
    assert run.records("flat_map") == ["(1, '')", "(1, 'be')", "(1, 'to')", "(1, 'to')"]
    assert run.records("flat_map_many") == ["b", "e", "o", "o", "t", "t"]


def test_transformations_filter_retains_what_is_true(run: Run) -> None:
    assert run.records("filter") == ["1001", "5000"]


def test_transformations_key_by_partitions_into_disjoint_sets_of_keys(run: Run) -> None:
    records = Counter(map(literal_eval, run.records("key_by")))
    assert sorted(key for key, _ in records) == [f"key{n}" for n in range(7)]  # Each key in one subtask only.
    assert set(records.values()) == {100}


def test_transformations_reduce_is_rolling(run: Run) -> None:
    assert run.records("reduce") == ["(1, 'a')", "(10, 'b')", "(3, 'a')", "(30, 'b')", "(6, 'a')"]


def test_transformations_count_window_slides_over_the_last_elements(run: Run) -> None:
    sums = [sum(range(1, 6)), sum(range(1, 11)), sum(range(6, 16)), sum(range(11, 21))]
    assert run.records("count_window_apply") == sorted(str((key, total)) for key in "ab" for total in sums)
    assert run.records("count_window_reduce") == sorted(str((total, key)) for key in "ab" for total in sums)


def test_transformations_time_window_has_each_element_once(run: Run) -> None:
    assert summed(run.records("time_window_apply"), 0) == {"a": 210, "b": 210}
    assert summed(run.records("time_window_reduce"), 1) == {"a": 210, "b": 210}
    assert set(run.records("time_window_bounds")) == {"(30, 0)"}


def test_transformations_sliding_time_window_has_each_element_in_all_windows_over_it(run: Run) -> None:
    assert summed(run.records("sliding_apply"), 0) == {"a": 210 * 5, "b": 210 * 5}
    assert summed(run.records("sliding_reduce"), 1) == {"a": 210 * 5, "b": 210 * 5}
    assert set(run.records("sliding_bounds")) == {"(100, 0)"}


def test_transformations_union_has_all_elements_of_all_streams(run: Run) -> None:
    assert run.records("union") == ["", "1a", "1b", "2a", "be", "to", "to"]


def test_transformations_union_with_itself_has_each_element_twice(run: Run) -> None:
    assert run.records("union_itself") == ["", "", "be", "be", "to", "to", "to", "to"]


def test_transformations_split_and_select(run: Run) -> None:
    assert run.records("even") == ["2", "4", "6"]
    assert run.records("odd") == ["1", "3", "5"]
    assert run.records("all") == ["1", "2", "3", "4", "5", "6"]


def test_transformations_iterate_feeds_back_until_nothing_is_left(run: Run) -> None:
    assert run.records("iteration") == ["-1", "-6", "0", "0", "0"]
    assert sorted(map(int, run.records("iteration_body"))) == sorted([*range(100), *range(3), 0, -1, -6])


def test_transformations_give_the_kinds_of_streams_that_the_guide_names(run: Run) -> None:
    assert "kinds: [True, True, True, True, True]" in run.lines


@pytest.mark.parametrize("parallelism", [1, 2])
def test_transformations_time_window_may_be_longer_than_a_month(guide: Guide, parallelism: int) -> None:
    """The worker waits for the window's end while the source is quiet."""
    run = guide.run(
        """
        import time
        from org.apache.flink.streaming.api.functions.source import SourceFunction
        from org.apache.flink.streaming.api.windowing.time.Time import days

        class Slow(SourceFunction):
            def run(self, ctx):
                ctx.collect(1)
                time.sleep(0.3)
                ctx.collect(2)

            def cancel(self):
                pass

        def main(factory):
            env = factory.get_execution_environment()
            numbers = env.create_python_source(Slow()).key_by(lambda number: "all")
            numbers.time_window(days(365 * 1000)).reduce(lambda one, two: one + two).output()
            env.execute()
        """,
        parallelism,
    )
    assert run.records() == ["3"]
