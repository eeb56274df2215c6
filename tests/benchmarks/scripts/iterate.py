"""Numbers that go round a loop 1 to 20 times: iterate.py - NUMBERS."""

from __future__ import annotations

import sys

from totals import TotalOfFirst

from org.apache.flink.api.common.functions import FilterFunction, MapFunction


class Rounds(MapFunction):
    def map(self, value):
        return (value, value % 20 + 1)


class OneLess(MapFunction):
    def map(self, value):
        number, rounds = value
        return (number, rounds - 1)


class Left(FilterFunction):
    def filter(self, value):
        return value[1] > 0


class Done(FilterFunction):
    def filter(self, value):
        return value[1] <= 0


def main(factory):
    env = factory.get_execution_environment()
    loop = env.generate_sequence(1, int(sys.argv[1])).map(Rounds()).iterate()
    body = loop.map(OneLess())
    loop.close_with(body.filter(Left()))
    body.filter(Done()).add_sink(TotalOfFirst())
    print(env.execute("Iterate").get_accumulator_result("total"))
