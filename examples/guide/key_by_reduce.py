"""key_by and reduce: a rolling result for each key, with every record of the key.

    ./bin/pyflink-stream.sh examples/guide/key_by_reduce.py

Prints:

    (1, 'tea')
    (1, 'milk')
    (3, 'tea')
    (6, 'tea')
"""

from org.apache.flink.api.common.functions import ReduceFunction
from org.apache.flink.api.java.functions import KeySelector


class ByWord(KeySelector):
    def getKey(self, value):
        return value[1]


class Sum(ReduceFunction):
    def reduce(self, input1, input2):
        count1, word = input1
        count2, _ = input2
        return (count1 + count2, word)


def main(factory):
    env = factory.get_execution_environment()
    words = env.from_elements((1, "tea"), (1, "milk"), (2, "tea"), (3, "tea"))
    words.key_by(ByWord()).reduce(Sum()).output()
    env.execute("Rolling reduce")
