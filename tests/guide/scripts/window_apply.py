"""A function that sees a window's records at once."""

from __future__ import annotations

from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.functions.windowing import WindowFunction


class Parity(KeySelector):
    def getKey(self, value):
        return "odd" if value % 2 else "even"


class Largest(WindowFunction):
    def apply(self, key, window, values, collector):
        collector.collect((key, len(values), max(values)))


def main(factory):
    env = factory.get_execution_environment()
    # Four of each parity: the last one of each is never in a full window.
    env.from_collection([1, 2, 4, 3, 6, 5, 8, 7]).key_by(Parity()).count_window(3).apply(Largest()).output()
    env.execute("window apply")
