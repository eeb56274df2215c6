"""Answers the HTTP requests of one connection.

It refuses requests whose Host is not a name of this machine: a page on the web could otherwise let its own name lead
here, and read through its visitor's browser what is meant for this machine.
"""

from __future__ import annotations

import ipaddress
import re
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Protocol, cast

from pyflink_stream import __version__
from pyflink_stream.web.response import Response

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyflink_stream.web.response import Site

# Seconds after which a silent connection is closed; with a timeout the socket blocks until then.
_TIMEOUT = 30
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# An IPv6 address in brackets, or another address or name; perhaps a port.
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::[0-9]*)?")


class Service(Protocol):
    """The server that a connection is made to."""

    site: Site
    names: set[str]
    """Whom a request may be for, besides addresses in numbers."""

    def answering(self, connection: Any) -> AbstractContextManager[None]:
        """A question is being answered within."""
        ...


class Connection(BaseHTTPRequestHandler):
    """Answers all requests of a connection while it is constructed. Raises OSError when the other end goes away."""

    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT
    # An answer is sent in two parts, of which the second would wait some 40 ms for the acknowledgement of the first.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        with self._service.answering(self.connection):
            self._answer()

    do_HEAD = do_GET

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._refuse
        raise AttributeError(name)

    @property
    def _service(self) -> Service:
        return cast("Service", self.server)

    def version_string(self) -> str:
        return f"pyflink-stream/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: standard error is for what people should know."""

    def _answer(self) -> None:
        # The body of a request is not read, and must not be taken for the next request.
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        if not self._is_for(self.headers.get("Host", "")):
            self._send(_error(403, "Unknown host name: use localhost or the numeric address."))
            return
        path = self.path.partition("?")[0]
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = self._service.site.answer(path, headers)
        except Exception as error:
            response = _error(500, f"{type(error).__name__}: {error}")
        self._send(response or _error(404, f"There is nothing at {path}."))

    def _is_for(self, host: str) -> bool:
        """Whether a request for ``host``, as its header has it, may be meant for this server."""
        match = _HOST.fullmatch(host)
        name = (match[1] or match[2]) if match else ""
        if name.rstrip(".").lower() in self._service.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _refuse(self) -> None:
        # Its body is not read.
        self.close_connection = True
        self._send(_error(405, "Read-only: use GET or HEAD."), ("Allow", "GET, HEAD"), ("Connection", "close"))

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


def _error(status: int, text: str) -> Response:
    return Response(f"{text}\n".encode("utf-8", "replace"), "text/plain; charset=utf-8", status)
