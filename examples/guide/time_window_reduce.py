"""time_window and reduce: one result for each key and stretch of time.

    ./bin/pyflink-stream.sh examples/guide/time_window_reduce.py

The clock is this machine's, and all records come within one hour. A window that is open when the input ends is closed.

Prints:

    (3, 'tea')
    (1, 'milk')
"""

from org.apache.flink.api.common.functions import ReduceFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.windowing.time.Time import hours


class ByWord(KeySelector):
    def getKey(self, value):
        return value[1]


class Sum(ReduceFunction):
    def reduce(self, input1, input2):
        return (input1[0] + input2[0], input1[1])


def main(factory):
    env = factory.get_execution_environment()
    words = env.from_elements((1, "tea"), (1, "milk"), (1, "tea"), (1, "tea"))
    words.key_by(ByWord()).time_window(hours(1)).reduce(Sum()).output()
    env.execute("Time window")
