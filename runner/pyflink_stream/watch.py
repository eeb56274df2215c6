"""``--watch``: runs a command line again whenever its files change."""

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
from pyflink_stream.lifeline import Lifeline
from pyflink_stream.watched_files import WatchedFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

OPTION = "--watch"

# In seconds. Editors and version control write several files, or one in several steps.
_QUIET, _LONGEST = 0.1, 2.0
# How many signals ask a run to stop before it is killed.
_SIGNALS = 2


class _Terminated(BaseException):
    """The watcher has received the signal ``number``."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Run:
    """A process that runs the command line with ``options``. ``on_end`` is called in another thread."""

    def __init__(self, arguments: Sequence[str], options: Sequence[str], on_end: Callable[[_Run], None]) -> None:
        self.line = Lifeline()
        command = without_watching(arguments, f"--watched={self.line.descriptor}", *options)
        self._process = subprocess.Popen(command, pass_fds=[self.line.descriptor])
        self.line.hand_over()
        self._ended = Event()
        self._on_end = on_end
        self.told_to_stop = False
        Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        self._process.wait()
        self.line.read()
        self._ended.set()
        self._on_end(self)

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    @property
    def status(self) -> int:
        """The exit status, as shells give it, once the run has ended."""
        code = self._process.returncode
        return code if code >= 0 else exit_codes.of_signal(-code)

    def stop(self, number: int | None = None) -> None:
        """Stops the run as the signal ``number`` would; kills what does not stop.

        May be called again to stop it sooner.
        """
        self.told_to_stop = True
        self.line.read()
        self.line.ask(number or signal.SIGTERM, shared=number is not None)
        if not self._ended.wait(self.line.patience):
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._ended.wait()


class Watch:
    """Keeps the newest state of ``script`` running, by a command with ``arguments``, until a signal comes.

    ``files`` are the other files of a run. A script that cannot be parsed is not run: the watcher waits for the next
    change, and leaves the current run alone.
    """

    def __init__(self, arguments: Sequence[str], script: str, files: Iterable[str]) -> None:
        self._arguments = arguments
        self._script = os.path.abspath(script)
        self._name = script
        self._files = WatchedFiles([script, *files])
        # A run that has ended; None: a file has changed.
        self._news: queue.SimpleQueue[_Run | None] = queue.SimpleQueue()
        self._run: _Run | None = None
        # What the next run resumes from.
        self._savepoint: str | None = None
        self._unreadable: set[str] = set()

    def run(self) -> int:
        """Returns the exit status: that of SIGINT, SIGTERM or SIGHUP."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Under nohup; the run ignores it as well.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _terminate)
        try:
            self._files.start(lambda: self._news.put(None))
            changed = [self._script]
            while True:
                self._rerun(changed)
                changed = self._next_change()
        except KeyboardInterrupt:
            self._end(signal.SIGINT)
            return exit_codes.INTERRUPTED
        except _Terminated as terminated:
            self._end(signal.SIGTERM)
            return exit_codes.of_signal(terminated.number)
        finally:
            self._files.stop()

    def _rerun(self, changed: Iterable[str]) -> None:
        candidates = {*changed, *self._unreadable}
        self._unreadable = {path for path in candidates if not self._can_be_run(path)}
        if self._unreadable:
            console.note("Watch", "waiting for the next change")
            return
        options: list[str] = []
        if self._run is not None:
            options = ["--again"]
            if not self._run.ended:
                self._run.stop()
            self._take_savepoint_of(self._run)
            self._run.line.close()
        if self._savepoint is not None:
            options += ["--resume", self._savepoint]
            console.note("Watch", f"resuming from {self._savepoint}")
        self._run = _Run(self._arguments, options, self._news.put)

    def _take_savepoint_of(self, run: _Run) -> None:
        """Lets the next run resume where this one ended."""
        if run.line.savepoint is not None:
            self._savepoint = run.line.savepoint
        elif run.status == 0:
            # The script is complete: the next run starts at the beginning.
            self._savepoint = None
        elif run.line.saves and run.told_to_stop and self._savepoint is None:
            console.note("Watch", "the run ended without a savepoint, so the next one starts at the beginning")

    def _can_be_run(self, path: str) -> bool:
        """Whether a file can be parsed, if it is source; otherwise says what is wrong."""
        if path.endswith(".py") or path == self._script:
            try:
                with open(path, "rb") as file, warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    compile(file.read(), path, "exec", dont_inherit=True)
            except OSError as error:
                # The run may not need another file.
                if path == self._script:
                    console.error(f"{self._name}: cannot be read: {error.strerror}")
                    return False
            except (SyntaxError, ValueError) as error:
                from pyflink_stream import failure

                console.failure(failure.report(error))
                return False
        return True

    def _next_change(self) -> list[str]:
        """Waits for a change of the files; says when the run ends meanwhile."""
        while True:
            run = self._news.get()
            if run is not None:
                if run is self._run and not run.told_to_stop:
                    self._take_savepoint_of(run)
                    outcome = "finished" if run.status == 0 else f"ended with status {run.status}"
                    then = f" to resume from {self._savepoint}" if self._savepoint is not None else ""
                    console.note("Watch", f"{self._name} {outcome}; waiting for a change{then}")
                continue
            self._let_settle()
            changed = self._files.changed()
            if changed:
                names = ", ".join(map(_shown, changed[:3])) + (", ..." if len(changed) > 3 else "")
                console.note("Watch", f"changed: {names}")
                return changed

    def _let_settle(self) -> None:
        """Returns when no event has come for a moment."""
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

    def _end(self, number: int) -> None:
        """Stops the run. Further signals go to it, too; if they do not help, it is killed."""
        for _ in range(_SIGNALS):
            try:
                if self._run is not None and not self._run.ended:
                    self._run.stop(number)
                return
            except KeyboardInterrupt:
                number = signal.SIGINT
            except _Terminated:
                number = signal.SIGTERM
        if self._run is not None:
            self._run.kill()


def without_watching(arguments: Sequence[str], *more: str) -> list[str]:
    """The command of another process with the ``arguments`` of this one and ``more`` options, but without --watch."""
    interpreter = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    end = arguments.index("-") if "-" in arguments else len(arguments)
    own = [argument for argument in arguments[:end] if argument != OPTION]
    return [sys.executable, *interpreter, *more, *own, *arguments[end:]]


def _shown(path: str) -> str:
    """The path from here, where that is shorter."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith(os.pardir) else path


def _terminate(number: int, frame: object) -> NoReturn:
    raise _Terminated(number)
