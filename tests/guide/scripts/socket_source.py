"""Lines from a server, which is a thread of the script."""

from __future__ import annotations

import socket
import threading


class Server(threading.Thread):
    """Sends its lines to the first client, and hangs up."""

    def __init__(self, lines):
        super().__init__(daemon=True)
        self._lines = lines
        self._listener = socket.create_server(("localhost", 0))
        self.port = self._listener.getsockname()[1]

    def run(self):
        connection, _ = self._listener.accept()
        with self._listener, connection:
            for line in self._lines:
                connection.sendall(line.encode() + b"\n")


def main(factory):
    server = Server(["ready", "steady", "grüezi"])
    server.start()
    env = factory.get_execution_environment()
    env.socket_text_stream("localhost", server.port).map(lambda line: line + "!").output()
    env.execute("socket source")
    server.join()
