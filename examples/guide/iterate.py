"""iterate: records go round until they are done.

    ./bin/pyflink-stream.sh examples/guide/iterate.py

Prints, in some order:

    -2
    0
    0
"""

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
    env = factory.get_execution_environment()
    iteration = env.from_elements(5, -1, 3).iterate(5000)
    iteration_body = iteration.map(MinusOne())
    iteration.close_with(iteration_body.filter(PositiveNumber()))
    iteration_body.filter(LessEqualToZero()).output()
    env.execute("Iterate")
