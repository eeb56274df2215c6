"""A small HTTP server, in a thread of its own, that only answers questions.

It refuses requests whose Host is another's name: a page on the web could otherwise have its own name lead here, and
read through its visitor's browser what is meant for this machine.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pyflink_stream import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Seconds after which a silent connection is closed.
_TIMEOUT = 30
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# An IPv6 address in brackets or another name, and perhaps a port.
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::[0-9]*)?")
_NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"


class Response(NamedTuple):
    """``policy`` is the page's Content-Security-Policy."""

    body: bytes
    content_type: str
    status: int = 200
    policy: str = _NO_CONTENT


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
        self._server = _bound(site, host, ports)
        Thread(target=self._server.serve_forever, name="web server", daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def address(self) -> str:
        """As a browser on this machine takes it."""
        host = str(self._server.server_address[0])
        if ipaddress.ip_address(host).is_unspecified:
            host = "127.0.0.1" if ":" not in host else "::1"
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"

    def finish(self, seconds: float) -> None:
        """Waits, but no longer than that, until what was asked has been answered."""
        with self._server.changed:
            self._server.changed.wait_for(lambda: not self._server.answering, seconds)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _bound(site: Site, host: str, ports: Sequence[int]) -> _HTTPServer:
    for port in ports[:-1]:
        try:
            return _HTTPServer(site, host, port)
        except OSError:
            continue
    return _HTTPServer(site, host, ports[-1])


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, site: Site, host: str, port: int) -> None:
        self.site = site
        # How many questions are being answered.
        self.answering = 0
        self.changed = Condition()
        self.names = {"localhost", host.lower(), socket.gethostname().lower()} - {""}
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # Not the parent's, which asks the network for the name of this machine.
        if self.allow_reuse_address:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser may go away at any time; that is nobody's error."""

    def knows(self, host: str) -> bool:
        """Whether a request for ``host``, as its header has it, may be meant for this server."""
        match = _HOST.fullmatch(host)
        name = (match[1] or match[2]) if match else ""
        if name.rstrip(".").lower() in self.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class _Handler(BaseHTTPRequestHandler):
    server: _HTTPServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT

    def do_GET(self) -> None:
        with self.server.changed:
            self.server.answering += 1
        try:
            self._answer()
        finally:
            with self.server.changed:
                self.server.answering -= 1
                self.server.changed.notify_all()

    def _answer(self) -> None:
        # What comes with a question is not read, and must not be taken for the next one.
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        if not self.server.knows(self.headers.get("Host", "")):
            self._send(_error(403, "This name is not known here: use localhost, or the address in numbers."))
            return
        path = self.path.partition("?")[0]
        try:
            response = self.server.site.answer(path, {name.lower(): value for name, value in self.headers.items()})
        except Exception as error:
            response = _error(500, f"{type(error).__name__}: {error}")
        self._send(response or _error(404, f"There is nothing at {path}."))

    do_HEAD = do_GET

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._refuse
        raise AttributeError(name)

    def _refuse(self) -> None:
        # What it wants to send is not read.
        self.close_connection = True
        self._send(_error(405, "Nothing can be changed here."), ("Allow", "GET, HEAD"), ("Connection", "close"))

    def _send(self, response: Response, *more: tuple[str, str]) -> None:
        self.send_response(response.status)
        own = {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
        for name, value in ({**own, **_HEADERS, "Content-Security-Policy": response.policy}).items():
            self.send_header(name, value)
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def version_string(self) -> str:
        return f"pyflink-stream/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:
        """Standard error is for what people should know."""


def _error(status: int, text: str) -> Response:
    return Response(f"{text}\n".encode("utf-8", "replace"), "text/plain; charset=utf-8", status)
