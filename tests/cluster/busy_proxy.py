"""A server before S3's, which answers 503 as long as it is told to, as S3 does under load."""

from __future__ import annotations

from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUSAL = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
# Those that are of one connection only, and those that are made anew.
_OWN_HEADERS = ("connection", "transfer-encoding", "keep-alive", "date", "server", "content-length")


class BusyProxy(ThreadingHTTPServer):
    """Passes requests on to the server at ``port``; refuses them while it is ``busy``, and counts those."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = port
        self.busy = False
        self.refused = 0
        self.endpoint = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def busy_proxy(port: int) -> Iterator[BusyProxy]:
    """Serves while the context lasts."""
    with BusyProxy(port) as proxy:
        thread = Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy = cast("BusyProxy", self.server)
        if proxy.busy:
            proxy.refused += 1
            self._answer(503, [("Content-Type", "application/xml")], _REFUSAL)
            return
        connection = HTTPConnection("127.0.0.1", proxy.target)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        data = response.read()
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _OWN_HEADERS]
        # Of an answer to HEAD it is the length of what is not sent.
        length = response.getheader("Content-Length") if self.command == "HEAD" else None
        self._answer(response.status, headers, data, length)
        connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, length: str | None = None) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on

    def log_message(self, format: str, *args: object) -> None:
        pass
