"""union: several streams as one.

    ./bin/pyflink-stream.sh examples/guide/union.py

A stream that is in it twice gives each record twice.

Prints, in some order:

    coffee
    coffee
    milk
    tea
    tea
    water
"""


def main(factory):
    env = factory.get_execution_environment()
    cold = env.from_elements("milk", "water")
    warm = env.from_elements("tea", "coffee")
    cold.union(warm, warm).output()
    env.execute("Union")
