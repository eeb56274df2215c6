"""``--watch``: runs a command line anew whenever the files change that it is made of."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import warnings
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from pyflink_stream import console, exit_codes
from pyflink_stream.watched_files import WatchedFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

OPTION = "--watch"

# In seconds. Editors and version control write several files, or one in several steps.
_QUIET, _LONGEST = 0.1, 2.0
# How long a run may take to stop when it has been told to, in seconds; a job takes 2 at most.
_PATIENCE = 10.0
# How long a run may take to stop after Ctrl-C, which it has got from the terminal, too; a second signal would kill.
_SHARED = 2.5


class _Terminated(BaseException):
    """SIGTERM has come."""


class _Run:
    """A process that runs the command line. ``on_end`` is called in another thread."""

    def __init__(self, command: Sequence[str], on_end: Callable[[_Run], None]) -> None:
        self._process = subprocess.Popen(command)
        self._ended = Event()
        self._on_end = on_end
        self.told_to_stop = False
        Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        self._process.wait()
        self._ended.set()
        self._on_end(self)

    @property
    def status(self) -> int:
        """The exit status, as shells give it. Of meaning once the run has ended."""
        code = self._process.returncode
        return code if code >= 0 else exit_codes.of_signal(-code)

    def wait(self, timeout: float) -> bool:
        """Whether the run has ended within ``timeout`` seconds."""
        return self._ended.wait(timeout)

    def stop(self) -> None:
        """Stops the run as SIGTERM does; kills what does not stop."""
        self.told_to_stop = True
        if not self._ended.is_set():
            self._process.terminate()
            if not self.wait(_PATIENCE):
                self._process.kill()
                self._ended.wait()


class Watch:
    """Keeps the newest state of ``script`` running, with ``command`` and then with ``later``, until a signal comes.

    ``files`` are what the run is made of beside the script. What does not parse is not run: the next change is waited
    for, and a run that goes on is left alone.
    """

    def __init__(self, command: Sequence[str], later: Sequence[str], script: str, files: Iterable[str]) -> None:
        self._command = command
        self._later = later
        self._script = os.path.realpath(script)
        self._name = script
        self._files = WatchedFiles([script, *files])
        # A run that has ended, or None for a change of a file.
        self._news: queue.SimpleQueue[_Run | None] = queue.SimpleQueue()
        self._run: _Run | None = None
        self._unreadable: set[str] = set()

    def run(self) -> int:
        """Returns the exit status: that of SIGINT or SIGTERM."""
        signal.signal(signal.SIGTERM, _terminate)
        try:
            self._files.start(lambda: self._news.put(None))
            changed = [self._script]
            while True:
                self._rerun(changed)
                changed = self._next_change()
        except KeyboardInterrupt:
            self._end(_SHARED)
            return exit_codes.INTERRUPTED
        except _Terminated:
            self._end(0)
            return exit_codes.TERMINATED
        finally:
            self._files.stop()

    def _rerun(self, changed: Iterable[str]) -> None:
        candidates = {*changed, *self._unreadable}
        self._unreadable = {path for path in candidates if not self._can_be_run(path)}
        if self._unreadable:
            console.note("Watch", "waiting for the next change")
            return
        if self._run is not None:
            self._run.stop()
        self._run = _Run(self._command, self._news.put)
        self._command = self._later

    def _can_be_run(self, path: str) -> bool:
        """Whether a file is not what keeps the script from running; says what is wrong where it is."""
        if path.endswith(".py") or path == self._script:
            try:
                with open(path, "rb") as file, warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    compile(file.read(), path, "exec", dont_inherit=True)
            except OSError as error:
                # The run may be able to do without any other file.
                if path == self._script:
                    console.error(f"{self._name}: cannot be read: {error.strerror}")
                    return False
            except (SyntaxError, ValueError) as error:
                from pyflink_stream import failure

                console.failure(failure.report(error))
                return False
        return True

    def _next_change(self) -> list[str]:
        """Waits for files to have changed; tells of the end of the run."""
        while True:
            run = self._news.get()
            if run is not None:
                if run is self._run and not run.told_to_stop:
                    outcome = "finished" if run.status == 0 else f"ended with status {run.status}"
                    console.note("Watch", f"{self._name} {outcome}; waiting for a change")
                continue
            self._let_settle()
            changed = self._files.changed()
            if changed:
                names = ", ".join(map(_shown, changed[:3])) + (", ..." if len(changed) > 3 else "")
                console.note("Watch", f"changed: {names}")
                return changed

    def _let_settle(self) -> None:
        """Returns when there has been no event for a moment."""
        ended: list[_Run] = []
        deadline = monotonic() + _LONGEST
        while monotonic() < deadline:
            try:
                run = self._news.get(timeout=_QUIET)
            except queue.Empty:
                break
            if run is not None:
                ended.append(run)
        for run in ended:
            self._news.put(run)

    def _end(self, shared: float) -> None:
        """Stops the run; one that has got the same signal is given ``shared`` seconds to do so by itself."""
        if self._run is not None:
            try:
                self._run.wait(shared)
            finally:
                self._run.stop()


def without_watching(arguments: Sequence[str], *more: str) -> list[str]:
    """What starts another process like this one, which has these ``arguments``, but that it does not watch.

    It has ``more`` options.
    """
    interpreter = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    end = arguments.index("-") if "-" in arguments else len(arguments)
    own = [argument for argument in arguments[:end] if argument != OPTION]
    return [sys.executable, *interpreter, *more, *own, *arguments[end:]]


def _shown(path: str) -> str:
    """The path from here, where that is shorter."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith(os.pardir) else path


def _terminate(number: int, frame: object) -> NoReturn:
    raise _Terminated
