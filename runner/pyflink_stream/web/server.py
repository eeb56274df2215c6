"""A small read-only HTTP server in threads of its own. This module is all that it needs while nobody asks."""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflink_stream.web.response import Site
    from pyflink_stream.web.service import Service

# Seconds between two attempts to load what answers, when the process has run out of descriptors.
_PAUSE = 0.1


class Server:
    """Serves ``site`` at the first of ``ports`` (0: any) that is free at the address ``host``, until the process ends.

    Raises OSError when none is.
    """

    def __init__(self, site: Site, host: str, ports: Sequence[int]) -> None:
        self._site = site
        # The host names that a request may have, besides numeric addresses.
        self._names = {"localhost", host.lower(), socket.gethostname().lower()} - {""}
        self._socket = _listening(host, ports)
        self._service: Service | None = None
        self._closed = Event()
        self._thread = Thread(target=self._run, name="web server", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._socket.close()
            raise OSError(str(error)) from error

    @property
    def port(self) -> int:
        return self._socket.getsockname()[1]

    @property
    def address(self) -> str:
        """The URL for a browser on this machine."""
        host, port = self._own_address()
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def finish(self, seconds: float) -> None:
        """Waits until all requests are answered, but no longer than that."""
        if self._service is not None:
            self._service.finish(seconds)

    def close(self) -> None:
        self._closed.set()
        # Ends the wait for a connection.
        with suppress(OSError):
            socket.create_connection(self._own_address()).close()
        self._thread.join()
        self._socket.close()
        if self._service is not None:
            self._service.end()

    def _own_address(self) -> tuple[str, int]:
        host, port, *_ = self._socket.getsockname()
        if host == "0.0.0.0":
            host = "127.0.0.1"
        elif host == "::":
            host = "::1"
        return host, port

    def _run(self) -> None:
        self._await_question()
        while not self._closed.is_set():
            try:
                # Imported only now, as it takes long to load.
                from pyflink_stream.web.service import Closed, Service

                with suppress(Closed):
                    self._service = Service(self._socket, self._site, self._names, self._closed.is_set)
                    self._service.serve_forever()
            except Exception:
                # For example when modules cannot be read, as the process can open no more files.
                self._closed.wait(_PAUSE)

    def _await_question(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.poll()


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
