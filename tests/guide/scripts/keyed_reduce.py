"""The rolling sum of each key."""

from __future__ import annotations

from org.apache.flink.api.common.functions import ReduceFunction
from org.apache.flink.api.java.functions import KeySelector


class ByName(KeySelector):
    def getKey(self, value):
        return value[0]


class Sum(ReduceFunction):
    def reduce(self, value1, value2):
        return value1[0], value1[1] + value2[1]


def main(factory):
    env = factory.get_execution_environment()
    entries = [("rent", 700), ("food", 5), ("food", 5), ("rent", 700), ("food", 5)]
    env.from_collection(entries).key_by(ByName()).reduce(Sum()).output()
    env.execute("keyed reduce")
