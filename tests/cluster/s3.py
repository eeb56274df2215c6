"""A server that speaks S3's protocol: moto's, which keeps all in memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from servers import Server, free_ports, listens

if TYPE_CHECKING:
    from pathlib import Path

# The server takes any.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key-of-tests", "AWS_SECRET_ACCESS_KEY": "secret-of-tests"}


class S3:
    """Runs while the context lasts; ``endpoint`` is its HTTP URL."""

    def __init__(self, directory: Path) -> None:
        (self.port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._server = Server(command, directory / "s3.log")

    def __enter__(self) -> S3:
        self._server.start(lambda: listens(self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
