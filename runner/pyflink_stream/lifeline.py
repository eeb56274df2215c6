"""The line between ``--watch`` and the run that it has started: two ends of a socket, one in each process.

The watcher asks the run to stop, and the run reports its savepoint. When the watcher ends, for whatever reason, the
line closes, which asks the run to stop as well.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
from contextlib import suppress
from threading import Lock, Thread, main_thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import CANCELLATION_TIMEOUT, STOP_WITH_SAVEPOINT

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration

# A signal for the whole process group reaches both processes: how long the run waits for its own copy, in seconds.
_COMMON = 0.3
# Added to the number of a signal that the watcher itself has received.
_SHARED = 128
# How long a run may take to stop beyond the time that its job has, in seconds.
_MARGIN = 8.0
_CHUNK = 4096
_STOPPING = frozenset((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


class Lifeline:
    """The watcher's end. ``read`` brings the following attributes up to date.

    ``patience`` is how many seconds the run may take to stop, None: as many as it needs; ``saves`` tells whether it
    takes a savepoint then, and ``savepoint`` is the path of the savepoint.
    """

    def __init__(self) -> None:
        self._socket, self._theirs = socket.socketpair()
        self._socket.setblocking(False)
        self._received = b""
        self._reading = Lock()
        self.patience: float | None = _MARGIN
        self.saves = False
        self.savepoint: str | None = None

    @property
    def descriptor(self) -> int:
        """The run's end, for it to inherit."""
        return self._theirs.fileno()

    def hand_over(self) -> None:
        """The run has inherited its end: closes it here."""
        self._theirs.close()

    def ask(self, number: int, shared: bool) -> None:
        """Asks the run to stop as that signal would; a ``shared`` signal reaches the run anyway."""
        try:
            self._socket.send(bytes([number + _SHARED * shared]))
        except OSError:
            return  # It has ended.

    def read(self) -> None:
        """Takes in what the run has said so far."""
        with self._reading:
            with suppress(OSError):
                while data := self._socket.recv(_CHUNK):
                    self._received += data
            *lines, self._received = self._received.split(b"\n")
            for line in lines:
                self.__dict__.update(json.loads(line))

    def close(self) -> None:
        self._socket.close()


# --- the run's end ---------------------------------------------------------------------------------------------------

_line: socket.socket | None = None


def follow(descriptor: int, configuration: Configuration) -> None:
    """Lets the watcher at the other end of ``descriptor`` stop this process, as long as it lives."""
    global _line
    _line = socket.socket(fileno=descriptor)
    _line.set_inheritable(False)
    saves = configuration.get(STOP_WITH_SAVEPOINT)
    timeout = configuration.get(CANCELLATION_TIMEOUT)
    # A savepoint has its own time limit.
    patience = timeout / 1000 + _MARGIN if timeout and not saves else None
    _say(saves=saves, patience=patience)
    signals, trigger = socket.socketpair()
    for end in (signals, trigger):
        end.setblocking(False)
    # Only the number of the descriptor is kept.
    signal.set_wakeup_fd(trigger.detach(), warn_on_full_buffer=False)
    Thread(target=_Listener(_line, signals, patience).run, name="watcher", daemon=True).start()


def tell_savepoint(path: str) -> None:
    """Tells the watcher, if there is one, of the savepoint that this process ends with."""
    _say(savepoint=path)


def _say(**what: Any) -> None:
    if _line is not None:
        try:
            _line.sendall(json.dumps(what).encode() + b"\n")
        except OSError:
            return  # The watcher has gone.


class _Listener:
    """Sends this process the signals by which it is asked to stop, except those that it has received anyway."""

    def __init__(self, line: socket.socket, signals: socket.socket, patience: float | None) -> None:
        self._line = line
        self._signals = signals
        self._patience = patience
        self._asked = self._got = 0
        self._number: int = signal.SIGTERM
        self._shared: int = False
        self._deadline: float | None = None

    def run(self) -> None:
        with selectors.DefaultSelector() as self._selector:
            self._selector.register(self._line, selectors.EVENT_READ)
            self._selector.register(self._signals, selectors.EVENT_READ)
            while self._deadline is None or monotonic() < self._deadline:
                self._listen(None if self._deadline is None else max(0.0, self._deadline - monotonic()))
                until = monotonic() + _COMMON
                while self._shared and self._asked > self._got and (left := until - monotonic()) > 0:
                    self._listen(left)
                if self._asked > self._got:
                    # Wakes the main thread, whatever that waits for.
                    signal.pthread_kill(main_thread().ident or 0, self._number)
        # The interpreter is ending.
        os.kill(os.getpid(), signal.SIGKILL)

    def _listen(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            try:
                data = key.fileobj.recv(_CHUNK)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            except ConnectionResetError:
                # The watcher was killed before it had read everything.
                data = b""
            if key.fileobj is self._signals:
                self._got += sum(number in _STOPPING for number in data)
            elif data:
                self._asked += len(data)
                self._shared, self._number = divmod(data[-1], _SHARED)
            else:
                self._asked += 1
                self._shared, self._number = True, signal.SIGTERM
                self._selector.unregister(self._line)
                if self._patience is not None:
                    self._deadline = monotonic() + self._patience
