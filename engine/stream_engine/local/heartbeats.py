"""Heartbeats: a worker sends one every so often, and a worker that has sent none for long counts as hung.

A thread of its own sends them, so a function may take as long as it likes. Only a process that was stopped sends none,
or one in native code that never releases the interpreter.
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
    """How often to send a heartbeat, in ms: so often that one or two late ones do no harm."""
    return min(configuration.get(HEARTBEAT_INTERVAL), max(1, configuration.get(HEARTBEAT_TIMEOUT) // 3))


def start_heart(control: Connection, interval: int, lifeline: int) -> None:
    """Sends a heartbeat every ``interval`` ms, and ends this process when the one that forked it ends."""

    def beat() -> None:
        while True:
            wait(lifeline, interval)
            control.send(Kind.HEARTBEAT)

    Thread(target=beat, name="heartbeat", daemon=True).start()


class Heartbeats:
    """The coordinator's side: when each worker last sent anything. ``timeout`` is in seconds."""

    def __init__(self, workers: int, configuration: Configuration) -> None:
        self._interval = frequency(configuration) / 1000
        self.timeout = configuration.get(HEARTBEAT_TIMEOUT) / 1000
        self._heard = [monotonic()] * workers
        self._checked = monotonic()

    def on_sign(self, worker: int) -> None:
        """Anything from a worker shows that it lives."""
        self._heard[worker] = monotonic()

    def time_left(self) -> float:
        """How many seconds there are until ``silent`` has to be called again."""
        return max(0.0, self._checked + self._interval - monotonic())

    def silent(self) -> list[int]:
        """The workers that have sent nothing for too long. Called after reading all that has come."""
        now = monotonic()
        if now - self._checked > 2 * self._interval:
            # This process itself has not read, for example while its output was blocked or the machine slept.
            self._heard = [now] * len(self._heard)
        self._checked = now
        return [worker for worker, heard in enumerate(self._heard) if now - heard > self.timeout]
