"""Source: read_text, the lines of a file, of a directory's files, or of those that a glob matches.

    ./bin/pyflink-stream.sh examples/guide/read_text.py - examples/rates.csv

Prints:

    currency,per_euro
    CHF,0.90
    GBP,0.80
    USD,1.25
"""

import sys


def main(factory):
    env = factory.get_execution_environment()
    env.read_text(sys.argv[1]).output()
    env.execute("Text file")
