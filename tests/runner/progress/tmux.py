"""A terminal as people have it: a shell in tmux, which breaks lines anew when its size changes."""

from __future__ import annotations

import shlex
import subprocess
import time
from typing import TYPE_CHECKING

from launched import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from launched import Command


class Tmux:
    """In its shell ``$pyflink`` is the command."""

    def __init__(self, command: Command, columns: int, rows: int = 24) -> None:
        self._socket = command.directory / "tmux"
        environment = {**command.environment, "pyflink": shlex.join(command.words())}
        size = ("-x", str(columns), "-y", str(rows))
        start = ("tmux", "-u", "-S", self._socket, "-f", "/dev/null", "new-session", "-d", *size, "env", "PS1=$ ", "sh")
        subprocess.run(start, cwd=command.directory, env=environment, check=True, timeout=PATIENCE)
        self.wait_for(lambda rows: rows == ["$"])

    def type(self, line: str) -> None:
        self._do("send-keys", "-l", line)
        self.press("Enter")

    def press(self, key: str) -> None:
        """A key as tmux names it: ``Enter``, ``C-c``."""
        self._do("send-keys", key)

    def resize(self, columns: int, rows: int = 24) -> None:
        self._do("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def rows(self) -> list[str]:
        """The visible text, without empty lines at the end."""
        return self._captured()

    @property
    def lines(self) -> list[str]:
        """All that a person could scroll back to; what was too long for a row is one line again."""
        return self._captured("-J", "-S", "-")

    def wait_for(self, condition: Callable[[list[str]], object]) -> list[str]:
        """The rows at the moment when ``condition`` holds for them."""
        deadline = time.monotonic() + PATIENCE
        while not condition(rows := self.rows):
            assert time.monotonic() < deadline, "\n".join(rows)
            time.sleep(0.05)
        return rows

    def close(self) -> None:
        self._do("kill-server")

    def _captured(self, *options: str) -> list[str]:
        text = self._do("capture-pane", "-p", *options)
        return [line.rstrip() for line in text.rstrip().split("\n")]

    def _do(self, *command: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", self._socket, *command], capture_output=True, check=True, timeout=PATIENCE
        )
        return done.stdout.decode()
