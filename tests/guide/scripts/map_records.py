"""One record for each: of another type than it was."""

from __future__ import annotations

from org.apache.flink.api.common.functions import MapFunction


class Described(MapFunction):
    def __init__(self, unit):
        self._unit = unit

    def map(self, value):
        return f"{value} {self._unit}"


def main(factory):
    env = factory.get_execution_environment()
    env.generate_sequence(7, 9).map(Described("bridges")).map(str.upper).output()
    env.execute("map")
