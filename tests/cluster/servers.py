"""Servers that tests start: processes on loopback ports of their own, each with a log that failures show."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# Seconds that a server has to start or to end, on the busiest machine.
PATIENCE = 150


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def listens(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


class Server:
    """A process of ``command`` that says what it does in the file ``log``. ``start`` may be called again later."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, ready: Callable[[], bool]) -> None:
        """Returns when the server is ``ready``, which is asked again and again."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.wait_until(ready)
        except BaseException:
            self.kill()
            raise

    def wait_until(self, ready: Callable[[], bool]) -> None:
        assert self._process is not None
        limit = time.monotonic() + PATIENCE
        while not ready():
            assert self._process.poll() is None, f"the server has ended: {self.log()}"
            assert time.monotonic() < limit, f"the server is not ready: {self.log()}"
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends it at once, without a last word, as a failure of its machine does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def log(self) -> str:
        """The end of what it has said."""
        return self._log.read_text(errors="replace")[-5000:]
