"""A process on a terminal of its own, as a person would have it."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Terminal:
    """Runs ``args`` in ``directory`` until ``close``."""

    def __init__(self, args: Sequence[str | Path], directory: Path, environment: dict[str, str]) -> None:
        self._unread = ""
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            list(map(str, args)),
            cwd=directory,
            env={**environment, "TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # Shells insist that it is the terminal that their session belongs to.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, text: str) -> str:
        """What is written up to and with ``text``, or to the end when that is empty."""
        while not text or text not in self._unread:
            try:
                data = os.read(self._ours, 1024)
            except OSError:  # As Linux tells the end.
                data = b""
            if not data:
                text = ""
                break
            self._unread = (self._unread + data.decode(errors="replace")).replace("\r\n", "\n")
        end = self._unread.index(text) + len(text) if text else len(self._unread)
        found, self._unread = self._unread[:end], self._unread[end:]
        return found

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
