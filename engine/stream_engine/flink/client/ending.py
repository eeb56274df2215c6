"""Sees to it that a job on a cluster ends: a request may fail or get lost, and a cluster may be away for a while."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

from stream_engine.flink.client.rest import RestError
from stream_engine.local.output import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.flink.client.rest import RestClient

GONE = "GONE"
"""The state of a job that the cluster does not know any more."""
UNKNOWN = "UNKNOWN"
"""That of a job of a cluster that does not answer."""
_ENDED = ("FINISHED", "FAILED", "CANCELED", GONE)
# In seconds: between two looks at the state, and how long a job may take to end before it is asked again.
_PAUSE = 0.1
_PATIENCE = 30.0
# When a request has failed, the next one comes after so many seconds.
_AGAIN = 1.0
# A cluster that does not answer for so many seconds has gone, as far as those know who wait for it.
_SILENCE = 3.0


def has_ended(state: str) -> bool:
    return state in _ENDED


class Ending:
    """The end of a job, which is asked for until it comes. ``last`` is the state that the job was last seen in."""

    def __init__(self, rest: RestClient, job_id: str) -> None:
        self.last = UNKNOWN
        self._rest = rest
        self._id = job_id
        self._cancelled = False
        self._over = Event()
        self._askers: list[Thread] = []

    def begin(self, ask: Callable[[], object] | None = None) -> None:
        """Asks for the end by ``ask``, which may raise OSError, and from then on by cancelling the job.

        Returns at once. May be called by a signal handler, which must not wait for the cluster.
        """
        asker = Thread(target=self._ask, args=(ask or self._cancel,), name="ending", daemon=True)
        self._askers.append(asker)
        asker.start()

    def cancel(self) -> None:
        """Begins it, once."""
        if not self._cancelled:
            self._cancelled = True
            self.begin()

    def leave(self, at_once: bool = False) -> None:
        """Cancels the job, waits for its end unless ``at_once``, and says where it is if that has not come."""
        self.cancel()
        try:
            if not at_once:
                self.wait()
        finally:
            self.close()
            if not has_ended(self.last):
                page = self._rest.page(self._id)
                tell(f"The job may still run on the Flink cluster as {self._id}: cancel it on {page}")

    def wait(self, patience: float | None = None) -> str:
        """The state of the job when it has ended; another one if it has not after ``patience`` seconds."""
        heard = monotonic()
        deadline = heard + (_PATIENCE if patience is None else patience)
        while not has_ended(self.last):
            state = UNKNOWN
            try:
                state = self._rest.state(self._id)
                heard = monotonic()
            except RestError as error:
                if error.answered:
                    # It may be another one soon.
                    heard = monotonic()
                    state = GONE if error.missing else UNKNOWN
            now = monotonic()
            self.last = state
            if now >= deadline or now - heard >= _SILENCE:
                break
            sleep(_PAUSE)
        return self.last

    def close(self) -> None:
        """Nobody waits for the end any more."""
        self._over.set()
        if has_ended(self.last):
            for asker in self._askers:
                asker.join(_PATIENCE)

    def _ask(self, ask: Callable[[], object]) -> None:
        while True:
            patience = _PATIENCE
            try:
                ask()
            except OSError:
                patience = _AGAIN
            ask = self._cancel
            if has_ended(self.wait(patience)) or self._over.is_set():
                return

    def _cancel(self) -> None:
        self._rest.cancel(self._id)
