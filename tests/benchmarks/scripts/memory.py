"""Tells, for each line of a socket, in which process it was handled: memory.py - HOST PORT SINK_PORT."""

from __future__ import annotations

import os
import sys

from org.apache.flink.api.common.functions import MapFunction
from org.apache.flink.streaming.util.serialization import SerializationSchema


class Process(MapFunction):
    def map(self, line):
        return os.getpid()


class Line(SerializationSchema):
    def serialize(self, pid):
        return f"{pid}\n"


def main(factory):
    host, port, sink_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    env = factory.get_execution_environment()
    processes = env.socket_text_stream(host, port).rebalance().map(Process())
    # A connection of each worker.
    processes.write_to_socket(host, sink_port, Line()).set_parallelism(env.get_parallelism())
    env.execute("Memory")
