"""Counts the words of a text as they come by.

    ./bin/pyflink-stream.sh examples/word_count.py
    ./bin/pyflink-stream.sh examples/word_count.py - --input FILE --output PATH

Prints (count, word) each time a word is seen: its count so far, so that the last line of a word has its total.
--output writes these lines to PATH instead, which must not exist yet: a file, or with -p 2 and more a directory with
one file per instance.
"""

import argparse
import re

from org.apache.flink.api.common.functions import FlatMapFunction, ReduceFunction
from org.apache.flink.api.java.functions import KeySelector

TEXT = (
    "A stream is a river of records.",
    "A river never waits, and a stream never ends.",
    "Count the words of the river as the river goes by.",
)


class Tokenizer(FlatMapFunction):
    def flatMap(self, line, collector):
        for word in re.findall(r"[\w']+", line.lower()):
            collector.collect((1, word))


class Word(KeySelector):
    def getKey(self, counted):
        return counted[1]


class Sum(ReduceFunction):
    def reduce(self, counted, other):
        return (counted[0] + other[0], counted[1])


def main(factory):
    parser = argparse.ArgumentParser(description="Counts the words of a text as they come by.")
    parser.add_argument("--input", metavar="FILE", help="a text file, instead of the built-in text")
    parser.add_argument("--output", metavar="PATH", help="where to write the counts, instead of standard output")
    arguments = parser.parse_args()

    env = factory.get_execution_environment()
    lines = env.read_text_file(arguments.input) if arguments.input else env.from_elements(*TEXT)
    counts = lines.flat_map(Tokenizer()).key_by(Word()).reduce(Sum())
    if arguments.output:
        counts.write_as_text(arguments.output)
    else:
        counts.output()
    env.execute("Word count")
