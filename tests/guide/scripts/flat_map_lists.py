"""Lists in, lists out: the head and the tail of each."""

from __future__ import annotations

from org.apache.flink.api.common.functions import FlatMapFunction


class HeadAndTail(FlatMapFunction):
    def flatMap(self, value, collector):
        if value:
            collector.collect(value[:1])
            collector.collect(value[1:])


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements([1, 2, 3], [], ["a"]).flat_map(HeadAndTail()).output()
    env.execute("flat map of lists")
