"""Servers that jobs send records to, or read lines from."""

from __future__ import annotations

import socket
from threading import Thread

from launched import PATIENCE

# In seconds. A job may come to its connection only after Java and other jobs.
_PATIENCE = 10 * PATIENCE


class _Server:
    """Listens on ``port`` until ``clients`` have come. A daemon's thread: one that nobody comes to ends with all."""

    def __init__(self, clients: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._listener.settimeout(_PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._run, args=(clients,), daemon=True)
        self._thread.start()

    def _run(self, clients: int) -> None:
        with self._listener:
            connections = [self._listener.accept()[0] for _ in range(clients)]
        for connection in connections:
            with connection:
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


class Receiver(_Server):
    """Takes ``clients`` connections and no more, and reads all that they send."""

    def __init__(self, clients: int = 1) -> None:
        self._received: list[bytes] = []
        super().__init__(clients)

    def _serve(self, connection: socket.socket) -> None:
        self._received.append(b"".join(iter(lambda: connection.recv(65536), b"")))

    def received(self) -> list[bytes]:
        """What each of the connections has brought, when all are over."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self._received


class Sender(_Server):
    """Takes one connection, and sends it ``text``."""

    def __init__(self, text: str) -> None:
        self._text = text
        super().__init__(1)

    def _serve(self, connection: socket.socket) -> None:
        connection.sendall(self._text.encode())
