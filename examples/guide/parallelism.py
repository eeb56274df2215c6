"""Parallel execution: of the whole environment, and of one operator.

    ./bin/pyflink-stream.sh examples/guide/parallelism.py

Prints, in some order:

    1> 1 in as the environment (1/3)
    2> 2 in as the environment (2/3)
    3> 3 in as the environment (3/3)
    1 in by itself (1/1)
    2 in by itself (1/1)
    3 in by itself (1/1)
"""

from org.apache.flink.api.common.functions import RichMapFunction


class Where(RichMapFunction):
    def map(self, value):
        context = self.getRuntimeContext()
        return f"{value} in {context.getTaskNameWithSubtasks()}"


def main(factory):
    env = factory.get_execution_environment()
    env.set_parallelism(3)
    numbers = env.generate_sequence(1, 3)
    numbers.map(Where()).name("as the environment").output()
    numbers.map(Where()).name("by itself").set_parallelism(1).output().set_parallelism(1)
    env.execute("Parallelism")
