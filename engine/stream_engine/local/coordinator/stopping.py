"""How a job is stopped from outside: signals, savepoints before the end, and readers that have gone."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from stream_engine.local.forkserver.forked_children import in_forked_children, restore_signals
from stream_engine.local.stop_signals import Requests, stop_signals
from stream_engine.local.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.local.coordinator.recovery import Recovery


class Stopping:
    """Whether a job has to stop. ``signal`` is the signal that stops it, ``impatient`` tells that a second one came.

    A job that stops with a savepoint has a ``wish`` until the savepoint is complete, and only then a ``signal``. All of
    this wakes ``waker``; ``interrupt`` is called when the job has to stop now.
    """

    def __init__(self, recovery: Recovery, interrupt: Callable[[], None]) -> None:
        self.signal: int | None = None
        self.wish: int | None = None
        self.impatient = False
        # The job waits for a savepoint, which needs a running job: a restart must not wait.
        self.hurried = False
        self.waker = Waker()
        self._recovery = recovery
        self._interrupt = interrupt
        self._requests = Requests()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Handles signals while the context lasts."""
        handlers: dict[int, Any] = {}
        # Python allows it only in the main thread; in another one the handlers stay as they are.
        if current_thread() is main_thread():
            handlers = {number: signal.signal(number, self._on_signal) for number in stop_signals()}
            if self._recovery.savepoints:
                handlers[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._on_savepoint_signal)
        # A process that the script forks meanwhile has the script's own handlers.
        forget = in_forked_children(lambda: restore_signals(handlers))
        try:
            yield
        finally:
            forget()
            restore_signals(handlers)

    def on_reader_lost(self, number: int) -> None:
        """Nobody reads the output, which other programs learn by signal ``number``: stops the job."""
        if self.signal is None:
            self.signal = number

    def on_savepoint(self) -> None:
        """The savepoint with which the job stops is complete."""
        if self.signal is None:
            self.signal = self.wish

    def raise_late(self) -> None:
        """Called when the job has finished. Raises a signal that came in the meantime for the script."""
        late = self.wish if self.signal is None else self.signal
        if late is not None:
            signal.raise_signal(late)

    def close(self) -> None:
        self.waker.close()

    def _on_signal(self, number: int, _: object) -> None:
        stopping = self.signal is not None or self.wish is not None
        checkpoints = self._recovery.checkpoints
        # A signal that comes after the message about the next one is the next one, however soon it comes.
        told = self.signal is None and checkpoints is not None and not checkpoints.silently_awaited
        if self._requests.repeats(number) and stopping and not (told and number != signal.SIGHUP):
            return
        if not stopping and self._recovery.stop_with_savepoint():
            self.wish = number
            self.hurried = True
        else:
            # The second signal: stops at once.
            self.impatient = self.signal is not None
            self.signal = number
        self.waker.wake()
        if self.signal is not None:
            self._interrupt()

    def _on_savepoint_signal(self, number: int, _: object) -> None:
        self._recovery.take_savepoint()
        self.waker.wake()
