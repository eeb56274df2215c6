"""The guide's example, for longer: windowed_word_count.py - LINES [parallel]. With "parallel" the source is, too."""

from __future__ import annotations

import sys

from totals import TotalOfFirst

from org.apache.flink.api.common.functions import FlatMapFunction, ReduceFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.functions.source import RichParallelSourceFunction, SourceFunction
from org.apache.flink.streaming.api.windowing.time.Time import milliseconds


class Generator(SourceFunction):
    def __init__(self, num_iters):
        self._running = True
        self._num_iters = num_iters

    def run(self, ctx):
        counter = 0
        while self._running and counter < self._num_iters:
            ctx.collect("Hello World")
            counter += 1

    def cancel(self):
        self._running = False


class ParallelGenerator(Generator, RichParallelSourceFunction):
    """Each instance generates its share."""

    def open(self, config):
        context = self.getRuntimeContext()
        index, count = context.get_index_of_this_subtask(), context.get_number_of_parallel_subtasks()
        self._num_iters = self._num_iters * (index + 1) // count - self._num_iters * index // count


class Tokenizer(FlatMapFunction):
    def flatMap(self, value, collector):
        for word in value.lower().split():
            collector.collect((1, word))


class Selector(KeySelector):
    def getKey(self, value):
        return value[1]


class Sum(ReduceFunction):
    def reduce(self, value1, value2):
        return (value1[0] + value2[0], value1[1])


def main(factory):
    lines, generator = int(sys.argv[1]), ParallelGenerator if sys.argv[2:] == ["parallel"] else Generator
    env = factory.get_execution_environment()
    (
        env.create_python_source(generator(lines))
        .flat_map(Tokenizer())
        .key_by(Selector())
        .time_window(milliseconds(50))
        .reduce(Sum())
        .add_sink(TotalOfFirst())
    )
    print(env.execute("Windowed word count").get_accumulator_result("total"))
