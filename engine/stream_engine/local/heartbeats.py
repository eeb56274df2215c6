"""Heartbeats: a worker sends one every so often, and a worker that has sent none for long counts as hung.

They come from a thread of their own, so a function may take as long as it likes. What gives none is a process that was
stopped, or code that is not Python's and never lets others run.
"""

from __future__ import annotations

from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.configuration.options import HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT
from stream_engine.local.forkserver.lifeline import wait
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.wire.connection import Connection


def frequency(configuration: Configuration) -> int:
    """How often a heartbeat is sent, in ms: often enough that one or two late ones are not taken for death."""
    return min(configuration.get(HEARTBEAT_INTERVAL), max(1, configuration.get(HEARTBEAT_TIMEOUT) // 3))


def start_heart(control: Connection, interval: int, lifeline: int) -> None:
    """Sends a heartbeat every ``interval`` ms, and ends the process with the one that has forked it."""

    def beat() -> None:
        while True:
            wait(lifeline, interval)
            control.send(Kind.HEARTBEAT)

    Thread(target=beat, name="heartbeat", daemon=True).start()


class Heartbeats:
    """The coordinator's side: when each of so many workers was last heard of. ``timeout`` is in seconds."""

    def __init__(self, workers: int, configuration: Configuration) -> None:
        self._interval = frequency(configuration) / 1000
        self.timeout = configuration.get(HEARTBEAT_TIMEOUT) / 1000
        self._heard = [monotonic()] * workers
        self._checked = monotonic()

    def on_sign(self, worker: int) -> None:
        """Anything from a worker shows that it lives."""
        self._heard[worker] = monotonic()

    def time_left(self) -> float:
        """How many seconds there are until ``silent`` is to be asked again."""
        return max(0.0, self._checked + self._interval - monotonic())

    def silent(self) -> list[int]:
        """The workers that have sent nothing for too long. Called after all that has come was read."""
        now = monotonic()
        if now - self._checked > 2 * self._interval:
            # This process has not listened itself, as when its output was not read or the machine slept.
            self._heard = [now] * len(self._heard)
        self._checked = now
        return [worker for worker, heard in enumerate(self._heard) if now - heard > self.timeout]
