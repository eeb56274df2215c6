"""A map that takes some 20 to 50 microseconds for each record: costly_map.py - NUMBERS."""

from __future__ import annotations

import sys

from totals import Total

from org.apache.flink.api.common.functions import MapFunction


class Random(MapFunction):
    """The 500th number that a generator of random numbers makes of a seed."""

    def map(self, value):
        for _ in range(500):
            value = (value * 1103515245 + 12345) % 2147483648
        return value


def main(factory):
    env = factory.get_execution_environment()
    env.generate_sequence(1, int(sys.argv[1])).map(Random()).add_sink(Total())
    print(env.execute("Costly map").get_accumulator_result("total"))
