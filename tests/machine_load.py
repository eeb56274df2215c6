"""How busy a machine is while something takes its time, for tests of how long that takes."""

from __future__ import annotations

import time
from threading import Event, Thread

# In seconds: how long a try works, and how long it waits for the next one.
_WORK, _PAUSE = 0.05, 0.2


class MachineLoad:
    """Tries, while the context lasts, how long it takes to get some processor time.

    ``slowness`` is how many times longer than on an idle machine: 1 or more. What has to be done in ten seconds may
    take ten times that.
    """

    def __init__(self) -> None:
        self._taken = self._got = 0.0
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> MachineLoad:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def slowness(self) -> float:
        return max(1.0, self._taken / self._got) if self._got else 1.0

    def _run(self) -> None:
        while not self._over.wait(_PAUSE):
            begun, used = time.monotonic(), time.thread_time()
            while (got := time.thread_time() - used) < _WORK:
                pass
            self._got += got
            self._taken += time.monotonic() - begun
