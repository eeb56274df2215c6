"""A stream taken apart by names; a record may have several."""

from __future__ import annotations

from org.apache.flink.streaming.api.collector.selector import OutputSelector


class Divisors(OutputSelector):
    def select(self, value):
        return [name for name, divisor in (("twos", 2), ("threes", 3)) if value % divisor == 0]


def main(factory):
    env = factory.get_execution_environment()
    numbers = env.generate_sequence(1, 6).split(Divisors())
    numbers.select("twos").map(lambda number: f"two: {number}").output()
    numbers.select("threes").map(lambda number: f"three: {number}").output()
    numbers.select("twos", "threes").map(lambda number: f"either: {number}").output()
    env.execute("split and select")
