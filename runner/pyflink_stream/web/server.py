"""A small HTTP server, in threads of its own, that only answers questions."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"
# Seconds between two attempts to take connections where the process can have no more.
_PAUSE = 0.1


class Response(NamedTuple):
    """``policy`` is the page's Content-Security-Policy."""

    body: bytes
    content_type: str
    status: int = 200
    policy: str = NO_CONTENT


class Site(Protocol):
    """What a server serves."""

    def answer(self, path: str, headers: Mapping[str, str]) -> Response | None:
        """What is to be read at a path; None when there is nothing. Called by several threads.

        The names of ``headers`` are in lower case.
        """
        ...


class Server:
    """Serves ``site`` at the first of ``ports`` (0: any) that is free at the address ``host``, until the process ends.

    Raises OSError when none is.
    """

    def __init__(self, site: Site, host: str, ports: Sequence[int]) -> None:
        self.site = site
        # Whom a request may be for, besides addresses in numbers.
        self.names = {"localhost", host.lower(), socket.gethostname().lower()} - {""}
        self._socket = _listening(host, ports)
        # How many questions are being answered.
        self._answering = 0
        self._changed = Condition()
        self._closed = Event()
        self._thread = Thread(target=self._accept, name="web server", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._socket.getsockname()[1]

    @property
    def address(self) -> str:
        """As a browser on this machine takes it."""
        host, port = self._own_address()
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def finish(self, seconds: float) -> None:
        """Waits, but no longer than that, until what was asked has been answered."""
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, seconds)

    def close(self) -> None:
        self._closed.set()
        # Ends the wait for a connection.
        with suppress(OSError):
            socket.create_connection(self._own_address()).close()
        self._thread.join()
        self._socket.close()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """A question is being answered within."""
        with self._changed:
            self._answering += 1
        try:
            yield
        finally:
            with self._changed:
                self._answering -= 1
                self._changed.notify_all()

    def _own_address(self) -> tuple[str, int]:
        host, port, *_ = self._socket.getsockname()
        if host == "0.0.0.0":
            host = "127.0.0.1"
        elif host == "::":
            host = "::1"
        return host, port

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                self._closed.wait(_PAUSE)
                continue
            Thread(target=self._serve, args=(connection,), name="web connection", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # What speaks HTTP takes as long to load as some jobs take, and nobody looks at most jobs.
        from pyflink_stream.web.connection import Connection

        # A browser may go away at any time; that is nobody's error.
        with connection, suppress(OSError):
            Connection(connection, self)


def _listening(host: str, ports: Sequence[int]) -> socket.socket:
    for port in ports[:-1]:
        with suppress(OSError):
            return _bound(host, port)
    return _bound(host, ports[-1])


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound
