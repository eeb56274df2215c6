"""time_window and apply: a function that sees all records of a window.

    ./bin/pyflink-stream.sh examples/guide/time_window_apply.py

Prints:

    ('tea', 3, 1, 7, 'in 60 minutes')
    ('milk', 1, 2, 2, 'in 60 minutes')
"""

from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.functions.windowing import WindowFunction
from org.apache.flink.streaming.api.windowing.time.Time import hours


class ByWord(KeySelector):
    def getKey(self, value):
        return value[1]


class Statistics(WindowFunction):
    def apply(self, key, window, values, collector):
        amounts = [amount for amount, _ in values]
        length = window.end - window.start
        collector.collect((key, len(amounts), min(amounts), max(amounts), f"in {length // 60000} minutes"))


def main(factory):
    env = factory.get_execution_environment()
    orders = env.from_elements((3, "tea"), (2, "milk"), (1, "tea"), (7, "tea"))
    orders.key_by(ByWord()).time_window(hours(1)).apply(Statistics()).output()
    env.execute("Time window, apply")
