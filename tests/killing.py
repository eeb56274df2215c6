"""Kills workers of a running job, at moments that a seed decides."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Killer:
    """Now and then kills one of ``workers()`` while its context lasts; counts them in ``kills``.

    It waits up to ``pause`` seconds before each, and calls ``over`` once there were ``most``.
    """

    def __init__(
        self,
        workers: Callable[[], list[int]],
        most: int,
        seed: int,
        pause: float = 0.3,
        over: Callable[[], object] = lambda: None,
    ) -> None:
        self.kills = 0
        self._workers = workers
        self._most = most
        self._random = random.Random(seed)
        self._pause = pause
        self._when_over = over
        self._left = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _run(self) -> None:
        while self.kills < self._most and not self._left.wait(self._random.uniform(self._pause / 15, self._pause)):
            workers = self._workers()
            if workers:
                try:
                    os.kill(self._random.choice(workers), signal.SIGKILL)
                    self.kills += 1
                except ProcessLookupError:
                    continue
        self._when_over()


def children(pid: int) -> list[int]:
    """The process ids of its children; of a fork server, of the current workers."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in listed.stdout.split()]


def workers_of(launcher: int) -> list[int]:
    """Those of the process of a command."""
    return [worker for server in children(launcher) for worker in children(server)]
