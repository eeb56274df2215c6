"""A stand-in for the REST interface of a Flink cluster, for what is asked before a job is submitted."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Rest:
    """Answers as the REST interface of a cluster with one TaskManager of two slots; ``asked`` is what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._frees_at = 0
        self.answers: dict[str, Any] = {
            "/overview": {"flink-version": "2.3.1", "slots-total": 2, "slots-available": 2},
            "/taskmanagers": {"taskmanagers": [{"id": "127.0.0.1:35001-ab12"}]},
        }
        rest = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                rest.asked.append(f"{self.command} {self.path}")
                rest._free_slots()
                found = self.path in rest.answers
                self.send_response(200 if found else 404)
                self.end_headers()
                if found:
                    self.wfile.write(json.dumps(rest.answers[self.path]).encode())

            do_POST = do_PATCH = do_GET

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def frees_slots_after(self, times: int) -> None:
        """All slots are free when it has been asked for an overview so often."""
        self._frees_at = self.asked.count("GET /overview") + times

    def _free_slots(self) -> None:
        if self._frees_at and self.asked.count("GET /overview") >= self._frees_at:
            self.answers["/overview"]["slots-available"] = self.answers["/overview"]["slots-total"]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
