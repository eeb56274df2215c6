"""The frame of stand-ins for servers that answer with JSON."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeVar

_Server = TypeVar("_Server", bound="RestServer")


class RestServer:
    """Listens at ``address`` on this machine while the context lasts."""

    def __init__(self) -> None:
        rest = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = rest.answer(self.command, self.path, json.loads(body or b"null"))
                if answer is None:
                    return
                self.send_response(answer[0])
                self.end_headers()
                self.wfile.write(json.dumps(answer[1]).encode())

            do_POST = do_PATCH = do_GET

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))

    def answer(self, method: str, path: str, body: Any) -> tuple[int, object] | None:
        """The status and what is sent with it; None ends the connection without an answer."""
        raise NotImplementedError

    def __enter__(self: _Server) -> _Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it before the context does."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
