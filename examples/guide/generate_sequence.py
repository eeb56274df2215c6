"""Source: generate_sequence, the numbers from one to another, made by all workers.

    ./bin/pyflink-stream.sh -p 2 examples/guide/generate_sequence.py

Prints, in some order:

    1> 1
    2> 2
    1> 3
    2> 4
    1> 5
    2> 6
"""


def main(factory):
    env = factory.get_execution_environment()
    env.generate_sequence(1, 6).output()
    env.execute("Sequence")
