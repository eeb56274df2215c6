"""Keeps some numbers of a source of its own."""

from __future__ import annotations

from org.apache.flink.api.common.functions import FilterFunction
from org.apache.flink.streaming.api.functions.source import SourceFunction


class Countdown(SourceFunction):
    def __init__(self, first):
        self._left = first

    def run(self, ctx):
        while self._left > 0:
            ctx.collect(self._left)
            self._left -= 1

    def cancel(self):
        self._left = 0


class AtLeast(FilterFunction):
    def __init__(self, least):
        self._least = least

    def filter(self, value):
        return value >= self._least


def main(factory):
    env = factory.get_execution_environment()
    env.create_python_source(Countdown(6)).filter(AtLeast(4)).output()
    env.execute("filter")
