"""The script's side of the fork server: a process that starts before any code of the user runs, and forks workers.

Forking the script's own process would not be safe, as scripts start threads. Children of one fork server also share
their hash seed (and the address of None), so ``hash(key)`` agrees between them; and they start in a millisecond. The
server is also the watchdog: when the process that started it dies, for whatever reason, it kills what is left.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

from stream_engine.local.forkserver.forked_children import in_forked_children
from stream_engine.local.forkserver.messages import receive, receive_descriptor, send
from stream_engine.wire.readiness import wait_readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream_engine.checkpoints.directory import Place

_BOOT = (
    "import gc, sys; gc.disable(); sys.path[:] = sys.argv[2:]; "
    "from stream_engine.local.forkserver.process import serve; "
    "from stream_engine.local.worker.process import run_worker; serve(int(sys.argv[1]), run_worker)"
)
BLOCKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)
"""Signals that reach a whole group of processes. The server starts with them blocked, until it has handlers."""

# How long the server, which may have been stopped, may take to answer when the job ends, and to end, in seconds.
_ANSWER, _END = 2.0, 5.0
# How often to check whether somebody still waits for the server, in seconds.
_GLANCE = 0.1


class Child(NamedTuple):
    """A forked worker and our end of the socket that connects us."""

    pid: int
    control: socket.socket


class ForkServer:
    """The script's side of the server. Its ``fileno`` is readable when a child has ended."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self._connect(pid, channel)

    def _connect(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self._channel = channel
        self._exits: list[tuple[int, int]] = []
        self._owner = os.getpid()
        # With a copy, a process that the script forks would keep workers from noticing that this process has died.
        self._sockets = WeakSet([channel])
        self._forget = in_forked_children(self._close_sockets)

    @classmethod
    def start(cls) -> ForkServer:
        """Starts the server in the background and returns at once."""
        return cls(*_spawn())

    def fileno(self) -> int:
        return self._channel.fileno()

    def fork(
        self, reach: Sequence[int], given_up: Callable[[], bool] = lambda: False, modules: Sequence[str] = ()
    ) -> list[Child]:
        """Starts a worker for each of ``reach``; connects each with those after it whose index is below its number.

        The server loads ``modules`` before, once for all workers. Raises EOFError if the server dies, or says nothing
        until ``given_up()``; OSError if it cannot fork.
        """
        self._ensure_own()
        send(self._channel, ("fork", list(reach), list(modules)))
        children: list[Child] = []
        while len(children) < len(reach):
            self._await_message(given_up)
            message = receive(self._channel)
            if message[0] == "exit":
                self._exits.append(message[1:])
            elif message[0] == "failed":
                for child in children:
                    self.kill(child.pid)
                    child.control.close()
                raise OSError(message[1])
            else:
                control = socket.socket(fileno=receive_descriptor(self._channel))
                self._sockets.add(control)
                children.append(Child(message[1], control))
        return children

    def _await_message(self, given_up: Callable[[], bool]) -> None:
        until: float | None = None
        while not wait_readable(self._channel, _GLANCE):
            if given_up():
                until = until or monotonic() + _ANSWER
                if monotonic() >= until:
                    self.abandon()

    def exits(self, timeout: float = 0) -> list[tuple[int, int]]:
        """The (pid, exit code) of the children that have ended since the last call; a negative code is a signal's.

        Waits up to ``timeout`` seconds for one. Raises EOFError if the server itself has died.
        """
        if not self._exits and timeout:
            wait_readable(self._channel, timeout)
        self._channel.setblocking(False)
        try:
            while True:
                message = receive(self._channel)
                self._exits.append(message[1:])
                self._channel.setblocking(False)
        except BlockingIOError:
            pass
        finally:
            self._channel.setblocking(True)
        exits, self._exits = self._exits, []
        return exits

    def await_exits(self) -> list[tuple[int, int]]:
        """As ``exits``, for children that must end at once. Raises EOFError if the server does not report them."""
        exits = self.exits(_ANSWER)
        if not exits:
            self.abandon()
        return exits

    def kill(self, pid: int) -> None:
        """Kills a child; ``exits`` reports its end."""
        send(self._channel, ("kill", pid))

    def remove_at_end(self, place: Place) -> None:
        """Lets the server remove a directory if this process ends without having done so."""
        self._ensure_own()
        send(self._channel, ("remove", place))

    def abandon(self) -> None:
        """Kills a server that does not answer. Its children die with it, and asking for them raises EOFError."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the server, every child that is left, and all processes that they have started."""
        if os.getpid() != self._owner:
            # In a process that the script has forked, which has no server.
            return
        self._forget()
        # Shut down, not only closed: a process forked by native code may hold a copy.
        self._channel.shutdown(socket.SHUT_WR)
        until = monotonic() + _END
        while wait_readable(self._channel, max(0.0, until - monotonic())):
            if not self._channel.recv(4096):
                break
        else:
            self.abandon()
        self._channel.close()
        os.waitpid(self.pid, 0)

    # --- processes that the script forks -----------------------------------------------------------------------------

    def _close_sockets(self) -> None:
        for each in self._sockets:
            each.close()

    def _ensure_own(self) -> None:
        if os.getpid() != self._owner:
            self._connect(*_spawn())


def _spawn() -> tuple[int, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.set_inheritable(True)
    path = [os.path.abspath(entry) for entry in sys.path if entry]
    arguments = [sys.executable, "-c", _BOOT, str(theirs.fileno()), *path]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ()) | set(BLOCKED)
    pid = os.posix_spawn(sys.executable, arguments, os.environ, setsigmask=blocked)
    theirs.close()
    return pid, ours
