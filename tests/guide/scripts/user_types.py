"""Records, keys and results of the script's own classes."""

from __future__ import annotations

from org.apache.flink.api.common.functions import MapFunction, ReduceFunction
from org.apache.flink.api.java.functions import KeySelector


class City:
    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return isinstance(other, City) and self.name == other.name

    def __hash__(self):
        return hash(self.name)


class Reading:
    def __init__(self, city, degrees):
        self.city = city
        self.degrees = degrees

    def __str__(self):
        return f"{self.city.name}: {self.degrees}"


class Parse(MapFunction):
    def map(self, value):
        name, degrees = value.split()
        return Reading(City(name), int(degrees))


class ByCity(KeySelector):
    def getKey(self, value):
        return value.city


class Warmest(ReduceFunction):
    def reduce(self, value1, value2):
        return value2 if value2.degrees > value1.degrees else value1


def main(factory):
    env = factory.get_execution_environment()
    lines = env.from_elements("Bern 3", "Rome 15", "Bern 9", "Rome 12")
    lines.map(Parse()).key_by(ByCity()).reduce(Warmest()).output()
    env.execute("user types")
