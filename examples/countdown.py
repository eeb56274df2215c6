"""Counts numbers down in a loop, one at a turn, until none is above zero.

    ./bin/pyflink-stream.sh examples/countdown.py
    ./bin/pyflink-stream.sh examples/countdown.py - 100000 2 7

What follows the dash are the numbers to begin with, instead of 1 to 5.

Prints each number as it leaves the loop: 0, or less where it was not above zero to begin with. The job ends by itself,
when no number is left in the loop.
"""

import argparse

from org.apache.flink.api.common.functions import FilterFunction, MapFunction


class MinusOne(MapFunction):
    def map(self, value):
        return value - 1


class PositiveNumber(FilterFunction):
    def filter(self, value):
        return value > 0


class LessEqualToZero(FilterFunction):
    def filter(self, value):
        return value <= 0


def main(factory):
    parser = argparse.ArgumentParser(description="Counts numbers down in a loop, until none is above zero.")
    parser.add_argument("numbers", metavar="NUMBER", nargs="*", type=int, help="where to begin (default: 1 to 5)")
    arguments = parser.parse_args()

    env = factory.get_execution_environment()
    iteration = env.from_elements(*(arguments.numbers or range(1, 6))).iterate()
    iteration_body = iteration.map(MinusOne())
    iteration.close_with(iteration_body.filter(PositiveNumber()))
    iteration_body.filter(LessEqualToZero()).output()
    env.execute("Countdown")
