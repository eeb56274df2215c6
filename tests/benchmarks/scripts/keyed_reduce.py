"""A rolling count of so many records by so many keys, which come one after the other. Parameters: records, keys."""

from __future__ import annotations

import sys


def main(factory):
    records, keys = map(int, sys.argv[1:])
    env = factory.get_execution_environment()
    pairs = env.generate_sequence(0, records - 1).map(lambda number: (number % keys, 1))
    counts = pairs.key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts.filter(lambda pair: pair[0] == keys - 1).output()
    env.execute()
