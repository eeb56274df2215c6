"""Ports of this machine, for tests that have to name one before anybody listens there."""

from __future__ import annotations

import random
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Below those that Linux and macOS give to whoever asks for any port, or connects: so nobody else takes one by chance.
_OWN = range(20_000, 32_000)


def port_to_listen_at() -> int:
    """A free port, which stays so until the test, or what it starts, listens there."""
    while True:
        port = random.choice(_OWN)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def silent_port() -> Iterator[int]:
    """A port where nobody listens, and nobody else can, while the context lasts."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
