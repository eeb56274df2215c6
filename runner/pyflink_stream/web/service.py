"""Connections of those who ask: few at a time, each for a short time, so that they cannot harm the jobs of the process.

Loaded with the first question: what speaks HTTP takes as long to load as some jobs take, and nobody looks at most jobs.
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

# Connections at a time; a browser has six.
_MOST = 32
# Seconds that a question may take to come, that its answer may take to go, and that a connection may be silent.
_LONGEST = 30.0
# Seconds to wait for room: for another connection, or for its descriptor.
_PAUSE = 0.1


class Closed(Exception):
    """The server is closed."""


class Service(ThreadingHTTPServer):
    """Answers what comes to the socket ``listening``, in a thread for each connection.

    When there are too many, the one that has been waited for longest makes room; where all are being answered a new one
    is refused. ``names`` are those that a request may be for. ``closed`` tells whether to end.
    """

    block_on_close = False
    # Of ThreadingHTTPServer; said here, as the process must not wait for a browser.
    daemon_threads = True

    def __init__(self, listening: socket.socket, site: Site, names: set[str], closed: Callable[[], bool]) -> None:
        # Not that of TCPServer, which makes a socket, nor that of HTTPServer, which asks the network for a name.
        BaseServer.__init__(self, listening.getsockname(), Connection)
        self.socket = listening
        # Whoever has come may be gone again, and is not waited for.
        listening.setblocking(False)
        self.site = site
        self.names = names
        self._closed = closed
        self._changed = Condition()
        # Since when each connection is waited for, or is being answered (monotonic seconds).
        self._open: dict[Any, float] = {}
        self._answering: set[Any] = set()

    def finish(self, seconds: float) -> None:
        """Waits, but no longer than that, until what was asked has been answered."""
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, seconds)

    @contextmanager
    def answering(self, connection: Any) -> Iterator[None]:
        """A question is being answered within."""
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
            # The process can have no more descriptors for now, and would be asked again at once.
            sleep(_PAUSE)
            raise

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for another connection, which is made if it can be."""
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
        """A browser may go away at any time, and threads may run out: that is nobody's error."""


def _end(connection: socket.socket) -> None:
    """Ends whatever the connection's thread waits for; it then closes it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
