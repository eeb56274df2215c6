"""Serves connections: few at a time, each for a short time, so that they cannot harm the jobs of the process.

Loaded with the first request: HTTP takes as long to load as some jobs take, and nobody watches most jobs.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from socketserver import BaseServer
from threading import Condition
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from pyflink_stream.web.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyflink_stream.web.response import Site

# The most connections at a time; a browser has six.
_MOST = 32
# The most seconds that a request may take to arrive, its answer to be sent, and a connection to be silent.
_LONGEST = 30.0
# Seconds to wait for room: for another connection, or for its descriptor.
_PAUSE = 0.1


class Closed(Exception):
    """The server is closed."""


class Service(ThreadingHTTPServer):
    """Answers requests to the socket ``listening``, in a thread for each connection.

    If there are too many, the one that has been silent for longest makes room; if all are being answered, a new one is
    refused. ``names`` are the host names that a request may have. ``closed`` tells whether to end.
    """

    block_on_close = False
    # Settings of ThreadingMixIn: the process must not wait for a browser.
    daemon_threads = True

    def __init__(self, listening: socket.socket, site: Site, names: set[str], closed: Callable[[], bool]) -> None:
        # Not TCPServer's constructor, which makes a socket, nor HTTPServer's, which asks the network for a name.
        BaseServer.__init__(self, listening.getsockname(), Connection)
        self.socket = listening
        # A client may be gone again: accept() must not wait for it.
        listening.setblocking(False)
        self.site = site
        self.names = names
        self._closed = closed
        self._changed = Condition()
        # Since when each connection has been silent, or is being answered (monotonic seconds).
        self._open: dict[Any, float] = {}
        self._answering: set[Any] = set()

    def finish(self, seconds: float) -> None:
        """Waits until all requests are answered, but no longer than that."""
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, seconds)

    def end(self) -> None:
        """Ends all connections, once no new one can come."""
        with self._changed:
            for connection in self._open:
                _end(connection)

    @contextmanager
    def answering(self, connection: Any) -> Iterator[None]:
        """A request is being answered within."""
        with self._changed:
            self._open[connection] = monotonic()
            self._answering.add(connection)
        try:
            yield
        finally:
            with self._changed:
                self._open[connection] = monotonic()
                self._answering.discard(connection)
                self._changed.notify_all()

    # --- what the standard library calls -----------------------------------------------------------------------------

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError:
            # The process has run out of descriptors, and would be asked again at once.
            sleep(_PAUSE)
            raise

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for another connection; makes room if possible."""
        with self._changed:
            if len(self._open) >= _MOST:
                waiting = [connection for connection in self._open if connection not in self._answering]
                if waiting:
                    _end(min(waiting, key=self._open.__getitem__))
                self._changed.wait_for(lambda: len(self._open) < _MOST, _PAUSE)
            if len(self._open) >= _MOST:
                return False
            self._open[request] = monotonic()
            return True

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.pop(request, None)
            self._changed.notify_all()

    def service_actions(self) -> None:
        """Called every half second, at least. Raises Closed."""
        if self._closed():
            raise Closed
        with self._changed:
            for connection, since in self._open.items():
                if monotonic() - since > _LONGEST:
                    _end(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores it: a browser may go away at any time, and threads may run out."""


def _end(connection: socket.socket) -> None:
    """Ends whatever the connection's thread waits for; the thread then closes the connection."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
