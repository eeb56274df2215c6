"""filter: only the records for which the function is true.

    ./bin/pyflink-stream.sh examples/guide/filter.py

Prints:

    1001
    2000
"""

from org.apache.flink.api.common.functions import FilterFunction


class GreaterThan1000(FilterFunction):
    def filter(self, value):
        return value > 1000


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(999, 1000, 1001, 2000).filter(GreaterThan1000()).output()
    env.execute("Filter")
