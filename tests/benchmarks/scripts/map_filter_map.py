"""Three short functions over a sequence: map_filter_map.py - NUMBERS."""

from __future__ import annotations

import sys

from totals import Total

from org.apache.flink.api.common.functions import FilterFunction, MapFunction


class Triple(MapFunction):
    def map(self, value):
        return value * 3


class Even(FilterFunction):
    def filter(self, value):
        return value % 2 == 0


class Half(MapFunction):
    def map(self, value):
        return value // 2


def main(factory):
    env = factory.get_execution_environment()
    numbers = env.generate_sequence(1, int(sys.argv[1]))
    numbers.map(Triple()).filter(Even()).map(Half()).add_sink(Total())
    print(env.execute("Map, filter, map").get_accumulator_result("total"))
