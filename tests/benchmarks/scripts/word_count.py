"""Counts the words of a text file as they come by: word_count.py - FILE."""

from __future__ import annotations

import sys

from totals import TotalOfFirst

from org.apache.flink.api.common.functions import FlatMapFunction, ReduceFunction
from org.apache.flink.api.java.functions import KeySelector


class Tokenizer(FlatMapFunction):
    def flatMap(self, line, collector):
        for word in line.lower().split():
            collector.collect((1, word))


class Word(KeySelector):
    def getKey(self, counted):
        return counted[1]


class Sum(ReduceFunction):
    def reduce(self, counted, other):
        return (counted[0] + other[0], counted[1])


def main(factory):
    env = factory.get_execution_environment()
    lines = env.read_text_file(sys.argv[1])
    lines.flat_map(Tokenizer()).key_by(Word()).reduce(Sum()).add_sink(TotalOfFirst())
    print(env.execute("Word count").get_accumulator_result("total"))
