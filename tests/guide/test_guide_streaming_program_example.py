"""Streaming Program Example: the word count, as the guide has it."""

from __future__ import annotations

from ast import literal_eval
from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from guided import Guide, Run

WORD_COUNT = r"""
from org.apache.flink.streaming.api.functions.source import SourceFunction
from org.apache.flink.api.common.functions import FlatMapFunction, ReduceFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.windowing.time.Time import milliseconds

class Generator(SourceFunction):
    def __init__(self, num_iters):
        self._running = True
        self._num_iters = num_iters

    def run(self, ctx):
        counter = 0
        while self._running and counter < self._num_iters:
            ctx.collect('Hello World')
            counter += 1

    def cancel(self):
        self._running = False

class Tokenizer(FlatMapFunction):
    def flatMap(self, value, collector):
        for word in value.lower().split():
            collector.collect((1, word))

class Selector(KeySelector):
    def getKey(self, input):
        return input[1]

class Sum(ReduceFunction):
    def reduce(self, input1, input2):
        count1, word1 = input1
        count2, word2 = input2
        return (count1 + count2, word1)

def main(factory):
    env = factory.get_execution_environment()
    env.create_python_source(Generator(num_iters=1000)) \
        .flat_map(Tokenizer()) \
        .key_by(Selector()) \
        .time_window(milliseconds(50)) \
        .reduce(Sum()) \
        .output()
    env.execute()
"""


def totals(run: Run) -> Counter[str]:
    found: Counter[str] = Counter()
    for record in run.records():
        count, word = literal_eval(record)
        found[word] += count
    return found


@pytest.mark.parametrize("parallelism", [1, 2, 4])
def test_streaming_program_example_counts_each_word_whatever_its_case(guide: Guide, parallelism: int) -> None:
    assert totals(guide.run(WORD_COUNT, parallelism)) == {"hello": 1000, "world": 1000}


def test_streaming_program_example_counts_in_windows_of_50_milliseconds(guide: Guide) -> None:
    """Sentences over a time of many windows are not all in one; how many share one is up to the machine."""
    slow = WORD_COUNT.replace("counter += 1", "counter += 1; __import__('time').sleep(0.1)")
    run = guide.run(slow.replace("num_iters=1000", "num_iters=4"), 2)
    assert totals(run) == {"hello": 4, "world": 4}
    assert len(run.records()) > 2
