"""Each int becomes as many of its multiples as it says."""

from __future__ import annotations

from org.apache.flink.api.common.functions import FlatMapFunction


class Multiples(FlatMapFunction):
    def flatMap(self, value, collector):
        for factor in range(1, value + 1):
            collector.collect(factor * value)


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(0, 1, 2, 3).flat_map(Multiples()).output()
    env.execute("flat map of ints")
