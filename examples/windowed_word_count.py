"""Counts the words of 1000 times "Hello World", anew in every 50 milliseconds.

    ./bin/pyflink-stream.sh examples/windowed_word_count.py

Prints (count, word), one line for each word and window. How many windows there are depends on how fast the machine
is; over all of them, hello and world come to 1000 each.
"""

from org.apache.flink.api.common.functions import FlatMapFunction, ReduceFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.functions.source import SourceFunction
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
    env = factory.get_execution_environment()
    (
        env.create_python_source(Generator(num_iters=1000))
        .flat_map(Tokenizer())
        .key_by(Selector())
        .time_window(milliseconds(50))
        .reduce(Sum())
        .output()
    )
    env.execute()
