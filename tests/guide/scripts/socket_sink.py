"""Records to a server, which is a thread of the script."""

from __future__ import annotations

import socket
import threading

from org.apache.flink.streaming.util.serialization import SerializationSchema


class Server(threading.Thread):
    """Keeps the lines of its client, the only one, until that has hung up."""

    def __init__(self):
        super().__init__(daemon=True)
        self._listener = socket.create_server(("localhost", 0))
        self.port = self._listener.getsockname()[1]
        self.lines = []

    def run(self):
        with self._listener:
            connection, _ = self._listener.accept()
        with connection, connection.makefile(encoding="utf-8") as lines:
            self.lines += [line.rstrip("\n") for line in lines]


class Line(SerializationSchema):
    def serialize(self, value):
        return f"{value[0]}={value[1]}\n"


def main(factory):
    env = factory.get_execution_environment()
    server = Server()
    server.start()
    env.from_elements(("a", 1), ("ö", 2), ("c", None)).write_to_socket("localhost", server.port, Line())
    env.execute("socket sink")
    server.join()
    for line in server.lines:
        print(line, flush=True)
