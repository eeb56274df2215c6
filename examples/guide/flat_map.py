"""flat_map: none, one or more records for each.

    ./bin/pyflink-stream.sh examples/guide/flat_map.py

Prints:

    (1, 'hello')
    (1, 'world')
    (1, 'hello')
"""

from org.apache.flink.api.common.functions import FlatMapFunction


class Tokenizer(FlatMapFunction):
    def flatMap(self, line, collector):
        for word in line.lower().split():
            collector.collect((1, word))


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements("Hello World", "", "Hello").flat_map(Tokenizer()).output()
    env.execute("Flat map")
