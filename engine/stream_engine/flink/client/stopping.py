"""How a job on a cluster is stopped, or asked for a savepoint, by signals that come to its client."""

from __future__ import annotations

import signal
from threading import Event, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import SAVEPOINT_DIRECTORY, STOP_WITH_SAVEPOINT
from stream_engine.job import InvalidProgramException, JobCancelledException
from stream_engine.local.output import tell
from stream_engine.local.stop_signals import Requests, stop_signals

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.flink.client.reports import Reports
    from stream_engine.flink.client.target import Submitted


# What Flink says of a savepoint while tasks start, or start again; and after how many seconds it is asked again.
_STARTING = ("Not all required tasks are currently running", "job is currently not executing")
_AGAIN = 1.0


class Interrupted(BaseException):
    """Raised by a signal, to leave at once.

    No Exception: py4j takes one for a fault of its connection, and sends the command again. No KeyboardInterrupt, which
    it logs with all of its frames.
    """


class Stopping:
    """Cancels the job at the first signal that asks for it, or lets it take a savepoint first. ``signal`` is that one.

    A second request cancels a job that still takes its savepoint, and leaves one at once that was cancelled. Before the
    job is there, the first one leaves whatever this process does. The context raises JobCancelledException then.
    """

    def __init__(self, reports: Reports, configuration: Configuration) -> None:
        """Raises InvalidProgramException where a savepoint has no place."""
        self.signal: int | None = None
        self._reports = reports
        self._directory: str = configuration.get(SAVEPOINT_DIRECTORY)
        self._saves: bool = configuration.get(STOP_WITH_SAVEPOINT)
        if self._saves and not self._directory:
            raise InvalidProgramException(
                f"{STOP_WITH_SAVEPOINT.key}: the savepoint needs a directory: set {SAVEPOINT_DIRECTORY.key} as well"
            )
        # What is raised would be raised in the context.
        self._within = False
        self._committed = False
        self._submitted: Submitted | None = None
        self._requests = Requests()
        self._earlier: dict[int, Any] = {}
        # The signal that asks for a savepoint and then the end, and who takes it.
        self._wish: int | None = None
        # Whether that is no wish any more.
        self._over = Event()
        self._taker: Thread | None = None
        self._savepoint: str | None = None

    def __enter__(self) -> Stopping:
        if current_thread() is main_thread():
            self._earlier = {number: signal.signal(number, self._on_signal) for number in stop_signals()}
            if self._directory:
                self._earlier[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._on_savepoint_signal)
        self._within = True
        if self.signal is not None:
            self._restore()
            raise _stopped_by(self.signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        self._within = False
        self._over.set()
        self._restore()
        if self.signal is None:
            return
        # What a signal interrupts may fail with an error of its own.
        if isinstance(error, Interrupted) or (self._submitted is None and isinstance(error, Exception)):
            raise _stopped_by(self.signal, self._id) from None
        if error is None:
            # It came when the job had ended: it is for the script.
            signal.raise_signal(self.signal)

    def _restore(self) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def commit(self) -> None:
        """From now on the cluster may have the job. Raises JobCancelledException for a signal that has come before."""
        self._committed = True
        # There is code that nothing can be raised from, as that of a destructor.
        if self.signal is not None:
            raise _stopped_by(self.signal)

    def begin(self, submitted: Submitted) -> None:
        self._submitted = submitted
        if self.signal is not None:
            submitted.cancel()
        elif self._wish is not None:
            self._take(stop=True)

    def ask(self, number: int) -> None:
        """Cancels the job because of that signal."""
        if self.signal is None:
            self.signal = number
            self._over.set()
            if self._submitted is not None:
                self._submitted.cancel()

    def settle(self, ended: bool = True) -> None:
        """The job has ``ended``, or is left alone. Raises JobCancelledException for one that a signal stops."""
        if ended:
            self._over.set()
        if self._taker is not None:
            self._taker.join()
        if self._savepoint is not None and self._wish is not None:
            raise _stopped_by(self._wish, self._id, self._savepoint)
        if self.signal is not None:
            raise _stopped_by(self.signal, self._id)

    @property
    def _id(self) -> str:
        return self._submitted.id if self._submitted is not None else ""

    def _on_signal(self, number: int, _: object) -> None:
        repeated = self._requests.repeats(number)
        if self.signal is not None:
            if not repeated:
                self._leave(number)
        elif self._wish is not None:
            if not repeated:
                self._cancel(number)
        elif not self._committed:
            self._leave(number)
        elif self._saves:
            self._wish = number
            if self._submitted is not None:
                self._take(stop=True)
        else:
            self._cancel(number)

    def _leave(self, number: int) -> None:
        self.signal = number
        if self._within:
            raise Interrupted

    def _cancel(self, number: int) -> None:
        self.ask(number)
        self._reports.interrupt()

    def _on_savepoint_signal(self, number: int, _: object) -> None:
        if self._submitted is not None:
            self._take(stop=False)
        else:
            # In a thread: what the signal interrupts may be writing there itself.
            Thread(target=tell, args=("No savepoint was taken, as the job does not run yet.",), daemon=True).start()

    def _take(self, stop: bool) -> None:
        # In a thread: a signal handler must not wait for the cluster.
        taker = Thread(target=self._save, args=(stop,), name="savepoint", daemon=True)
        if stop:
            self._taker = taker
        taker.start()

    def _save(self, stop: bool) -> None:
        path = self._taken(stop)
        if path is None:
            return
        tell(f"Savepoint: {path}")
        if stop:
            self._savepoint = path

    def _taken(self, stop: bool) -> str | None:
        """The path of a savepoint that the job takes; None, and why is told, if it takes none."""
        assert self._submitted is not None
        while True:
            try:
                return self._submitted.savepoint(self._directory, stop)
            except OSError as error:
                failure = str(error)
            if not stop or not any(reason in failure for reason in _STARTING):
                break
            if self._over.wait(_AGAIN):
                return None
        if self.signal is None:
            # Flink may fail a job that was to stop with it.
            tell(f"The savepoint failed{'' if stop else ', the job continues'}: {failure}")
            if stop:
                tell("The next signal stops the job without a savepoint.")
        return None


def _stopped_by(number: int, job_id: str = "", savepoint: str | None = None) -> JobCancelledException:
    name = signal.Signals(number).name
    return JobCancelledException(f"The job was stopped by {name}.", job_id, number, savepoint)
