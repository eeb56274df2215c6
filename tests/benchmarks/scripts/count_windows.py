"""Keyed count windows one after the other, each with another key: count_windows.py - NUMBERS WINDOWS."""

from __future__ import annotations

import sys

from totals import Total

from org.apache.flink.api.common.functions import ReduceFunction
from org.apache.flink.api.java.functions import KeySelector


class Bits(KeySelector):
    """A number of up to 6 bits, so that records change workers at about every other window."""

    def __init__(self, shift):
        self._shift = shift

    def getKey(self, value):
        return (value >> self._shift) & 63


class Last(ReduceFunction):
    def reduce(self, value, other):
        return other


def main(factory):
    numbers, windows = map(int, sys.argv[1:])
    env = factory.get_execution_environment()
    stream = env.generate_sequence(1, numbers)
    for window in range(windows):
        stream = stream.key_by(Bits(window % 8)).count_window(1).reduce(Last())
    stream.add_sink(Total())
    print(env.execute("Count windows").get_accumulator_result("total"))
