"""count_window: the last records of a key, each time that some more have come.

    ./bin/pyflink-stream.sh examples/guide/count_window.py

Prints, in some order:

    every 2> ('even', [2, 4])
    every 2> ('even', [6, 8])
    every 2> ('odd', [1, 3])
    every 2> ('odd', [5, 7])
    the last 3, every 2> ('even', [2, 4])
    the last 3, every 2> ('even', [4, 6, 8])
    the last 3, every 2> ('odd', [1, 3])
    the last 3, every 2> ('odd', [3, 5, 7])
"""

from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.functions.windowing import WindowFunction


class ByParity(KeySelector):
    def getKey(self, value):
        return "even" if value % 2 == 0 else "odd"


class AsList(WindowFunction):
    def apply(self, key, window, values, collector):
        collector.collect((key, values))


def main(factory):
    env = factory.get_execution_environment()
    numbers = env.generate_sequence(1, 10).key_by(ByParity())
    numbers.count_window(2).apply(AsList()).output("every 2")
    numbers.count_window(3, 2).apply(AsList()).output("the last 3, every 2")
    env.execute("Count windows")
