"""Kills workers of a running job, at moments that a seed decides."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from stream_engine.local.forkserver.client import ForkServer


class Killer:
    """Now and then kills a worker of ``server`` while its context lasts, up to ``most``; counts them in ``kills``."""

    def __init__(self, server: ForkServer, most: int, seed: int) -> None:
        self.kills = 0
        self._server = server
        self._most = most
        self._random = random.Random(seed)
        self._over = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while self.kills < self._most and not self._over.wait(self._random.uniform(0.02, 0.3)):
            workers = workers_of(self._server)
            if workers:
                try:
                    os.kill(self._random.choice(workers), signal.SIGKILL)
                    self.kills += 1
                except ProcessLookupError:
                    continue


def workers_of(server: ForkServer) -> list[int]:
    """The process ids of the current workers."""
    listed = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]
