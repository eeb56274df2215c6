"""Sink: output, str(record) on standard output; with an identifier to tell sinks apart.

    ./bin/pyflink-stream.sh examples/guide/output.py

Prints, in some order:

    drinks> milk
    drinks> tea
    milk
    tea
"""


def main(factory):
    env = factory.get_execution_environment()
    drinks = env.from_elements("tea", "milk")
    drinks.output()
    drinks.output("drinks")
    env.execute("Output")
