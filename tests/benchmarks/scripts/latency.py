"""Records from a socket, by key, to a socket: latency.py - HOST PORT SINK_PORT. A line is a key and anything else."""

from __future__ import annotations

import sys

from org.apache.flink.api.common.functions import ReduceFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.util.serialization import SerializationSchema


class Key(KeySelector):
    def getKey(self, line):
        return line.split()[0]


class Latest(ReduceFunction):
    def reduce(self, line, later):
        return later


class Line(SerializationSchema):
    def serialize(self, line):
        return line + "\n"


def main(factory):
    host, port, sink_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    env = factory.get_execution_environment()
    latest = env.socket_text_stream(host, port).key_by(Key()).reduce(Latest())
    # A connection of each worker.
    latest.write_to_socket(host, sink_port, Line()).set_parallelism(env.get_parallelism())
    env.execute("Latency")
