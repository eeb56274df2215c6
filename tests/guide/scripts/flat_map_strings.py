"""Lines become words, each with its length."""

from __future__ import annotations

from org.apache.flink.api.common.functions import FlatMapFunction


class Words(FlatMapFunction):
    def flatMap(self, value, collector):
        for word in value.split():
            collector.collect((word, len(word)))


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements("nothing is lost", "", "süß").flat_map(Words()).output()
    env.execute("flat map of strings")
