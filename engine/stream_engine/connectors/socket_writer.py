"""Sends bytes to a TCP server."""

from __future__ import annotations

import socket
from typing import Any

from stream_engine.connectors.address import check_address, lost, unreachable
from stream_engine.utf8 import encode


class SocketWriter:
    """A connection to a server, which is made at once. Sending waits while the server does not keep up.

    Raises ConnectionError, which names host and port, when there is no server.
    """

    def __init__(self, host: str, port: int) -> None:
        check_address(host, port)
        self._host = host
        self._port = port
        self._sent = 0
        self._broken = False
        try:
            self._socket = socket.create_connection((host, port))
        except OSError as error:
            raise unreachable(host, port, error, 1) from error
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # A small record must not wait until the one before is acknowledged.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Sends all of ``data``. Raises ConnectionError, which names host and port, when the connection is broken."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._lost(error) from error
        self._sent += len(data)

    def close(self) -> None:
        """Ends the stream and closes. Raises ConnectionError when the server broke the connection before that.

        Closed with data unread, a connection is reset, and the server may lose what it has not read yet; so what the
        server has said is read first.
        """
        try:
            if not self._broken:
                self._socket.shutdown(socket.SHUT_WR)
                self._socket.setblocking(False)
                while self._socket.recv(65536):
                    pass
        except BlockingIOError:
            pass  # The server still reads.
        except OSError as error:
            raise self._lost(error) from error
        finally:
            self._socket.close()

    def _lost(self, error: OSError) -> ConnectionError:
        self._broken = True
        return lost(self._host, self._port, error, f"{self._sent} bytes had been sent, perhaps not all of them read")


class SocketLines:
    """Adapts a connection to a sink's batches. Raises what a SocketWriter does."""

    buffers = False

    def __init__(self, host: str, port: int) -> None:
        self._writer = SocketWriter(host, port)

    def write(self, lines: list[Any]) -> None:
        try:
            # Mostly all are of one type: joined first, they are encoded at once.
            data = "".join(lines).encode() if isinstance(lines[0], str) else b"".join(lines)
        except (TypeError, UnicodeEncodeError):
            data = b"".join([encode(line) if isinstance(line, str) else line for line in lines])
        self._writer.send(data)

    def flush(self) -> None:
        """Does nothing: everything was sent."""

    def complete(self, position: int) -> None:
        """Does nothing: what was sent is sent."""

    def position(self) -> None:
        """None: what was sent cannot be taken back."""

    def close(self) -> None:
        self._writer.close()
