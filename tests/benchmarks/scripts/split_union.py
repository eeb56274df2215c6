"""A stream split in two, which become one again: split_union.py - NUMBERS."""

from __future__ import annotations

import sys

from totals import Total

from org.apache.flink.api.common.functions import MapFunction
from org.apache.flink.streaming.api.collector.selector import OutputSelector


class Parity(OutputSelector):
    def select(self, value):
        return ["even"] if value % 2 == 0 else ["odd"]


class Half(MapFunction):
    def map(self, value):
        return value // 2


class TripleAndOne(MapFunction):
    def map(self, value):
        return 3 * value + 1


def main(factory):
    env = factory.get_execution_environment()
    numbers = env.generate_sequence(1, int(sys.argv[1])).split(Parity())
    halves = numbers.select("even").map(Half())
    numbers.select("odd").map(TripleAndOne()).union(halves).add_sink(Total())
    print(env.execute("Split and union").get_accumulator_result("total"))
