"""A job that has no end, read line by line, and stopped when the test has seen enough."""

from __future__ import annotations

import signal
import subprocess
from threading import Timer
from typing import TYPE_CHECKING

from launched import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from launched import Launcher


class Reading:
    """The program ``text`` with ``parameters`` and ``options`` of the command, while the context lasts."""

    def __init__(self, launcher: Launcher, text: str, *parameters: object, options: tuple[object, ...] = ()) -> None:
        self._launcher = launcher
        self._text = text
        self._options = options
        self._parameters = parameters

    def __enter__(self) -> Reading:
        self.process = self._launcher.start(self._text, *self._options, "-", *self._parameters)
        # One that says nothing more is not waited for.
        self._timer = Timer(PATIENCE, self.process.kill)
        self._timer.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._timer.cancel()
        with self.process:
            self.process.send_signal(signal.SIGINT if kind is None else signal.SIGKILL)
            try:
                self.err = self.process.communicate(timeout=PATIENCE)[1]
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        if kind is None:
            assert self.process.returncode == 130, self.err

    def next(self) -> str:
        """The next line of its output. Fails where it ends before there is one."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, err = self.process.communicate()
            raise AssertionError(f"the job has ended: {err}")
        return line.removesuffix("\n").rpartition("> ")[2]

    def until(self, reached: Callable[[list[str]], bool]) -> list[str]:
        """Its lines, until there are enough."""
        lines: list[str] = []
        while not reached(lines):
            lines.append(self.next())
        return lines
