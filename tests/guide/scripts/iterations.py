"""Numbers go round a loop until they are odd, counting their turns; others count down to 0."""

from __future__ import annotations

from org.apache.flink.api.common.functions import FilterFunction, MapFunction
from org.apache.flink.streaming.api.collector.selector import OutputSelector


class Begin(MapFunction):
    def map(self, value):
        return value, value, 0


class Halve(MapFunction):
    def map(self, value):
        number, rest, turns = value
        return number, rest // 2, turns + 1


class Even(OutputSelector):
    def select(self, value):
        return ["again"] if value[1] > 0 and value[1] % 2 == 0 else ["done"]


class Positive(FilterFunction):
    def filter(self, value):
        return value > 0


def main(factory):
    env = factory.get_execution_environment()
    loop = env.from_elements(2, 12, 40, 64).map(Begin()).iterate(5000)
    halved = loop.map(Halve()).split(Even())
    loop.close_with(halved.select("again"))
    halved.select("done").output()

    countdown = env.generate_sequence(1, 3).iterate(5000)
    smaller = countdown.map(lambda value: value - 1)
    countdown.close_with(smaller.filter(Positive()))
    smaller.output()
    env.execute("iterations")
