"""A source written in Python: python_source.py - NUMBERS."""

from __future__ import annotations

import sys

from totals import Total

from org.apache.flink.api.common.functions import MapFunction
from org.apache.flink.streaming.api.functions.source import SourceFunction


class Numbers(SourceFunction):
    def __init__(self, count):
        self._running = True
        self._count = count

    def run(self, ctx):
        number = 0
        while self._running and number < self._count:
            ctx.collect(number)
            number += 1

    def cancel(self):
        self._running = False


class Triple(MapFunction):
    def map(self, value):
        return value * 3


def main(factory):
    env = factory.get_execution_environment()
    env.create_python_source(Numbers(int(sys.argv[1]))).map(Triple()).add_sink(Total())
    print(env.execute("Python source").get_accumulator_result("total"))
