"""Sink: write_to_socket, the bytes that a schema makes of records, to a server.

    ./bin/pyflink-stream.sh examples/guide/write_to_socket.py - localhost 9000

A server to try it with is `nc -l 9000`.

The server gets:

    1
    2
    3
"""

import sys

from org.apache.flink.streaming.util.serialization import SerializationSchema


class Line(SerializationSchema):
    def serialize(self, value):
        return f"{value}\n"


def main(factory):
    host, port = sys.argv[1:]
    env = factory.get_execution_environment()
    env.generate_sequence(1, 3).write_to_socket(host, int(port), Line())
    env.execute("Socket sink")
