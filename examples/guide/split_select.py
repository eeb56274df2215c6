"""split and select: streams by the names that a function gives to records.

    ./bin/pyflink-stream.sh examples/guide/split_select.py

Prints, in some order:

    odd> 1
    all> 1
    even> 2
    all> 2
    odd> 3
    all> 3
    even> 4
    all> 4
"""

from org.apache.flink.streaming.api.collector.selector import OutputSelector


class Parity(OutputSelector):
    def select(self, value):
        return ["even"] if value % 2 == 0 else ["odd"]


def main(factory):
    env = factory.get_execution_environment()
    numbers = env.generate_sequence(1, 4).split(Parity())
    numbers.select("even").output("even")
    numbers.select("odd").output("odd")
    numbers.select("even", "odd").output("all")
    env.execute("Split")
