"""As latency.py, with the state of so many more keys: pauses.py - HOST PORT SINK_PORT KEYS.

The first line tells that all of it is there.
"""

from __future__ import annotations

import sys

from latency import Key, Latest, Line


def main(factory):
    host, port, sink_port, keys = sys.argv[1], *map(int, sys.argv[2:])
    env = factory.get_execution_environment()
    numbers = env.generate_sequence(1, keys).map(lambda number: f"{number} {'last' if number == keys else ''}")
    latest = env.socket_text_stream(host, port).union(numbers).key_by(Key()).reduce(Latest())
    latest.filter(lambda line: line[-1] != " ").write_to_socket(host, sink_port, Line())
    env.execute("Pauses")
