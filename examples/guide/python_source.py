"""Source: a class whose run collects records, until it is cancelled or done.

    ./bin/pyflink-stream.sh examples/guide/python_source.py

Prints:

    Hello World 0
    Hello World 1
    Hello World 2
"""

from org.apache.flink.streaming.api.functions.source import SourceFunction


class Generator(SourceFunction):
    def __init__(self, num_iters):
        self._running = True
        self._num_iters = num_iters

    def run(self, ctx):
        counter = 0
        while self._running and counter < self._num_iters:
            ctx.collect(f"Hello World {counter}")
            counter += 1

    def cancel(self):
        self._running = False


def main(factory):
    env = factory.get_execution_environment()
    env.create_python_source(Generator(num_iters=3)).output()
    env.execute("Python source")
