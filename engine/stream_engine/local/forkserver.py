"""Where workers come from: a process that was started before any code of the user's ran, and forks on request.

Forking the script's own process would not be safe, as scripts start threads. Children of one fork server also share
their hash seed (and the address of None), so that ``hash(key)`` agrees between them; and they start in a millisecond.
The server is also the watchdog: when the process that started it dies, however it dies, it kills what is left.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import sys
from array import array
from typing import TYPE_CHECKING, NamedTuple

from stream_engine.local.alarm import Alarm

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place

_LENGTH = struct.Struct("<I")
_BOOT = (
    "import sys; sys.path[:] = sys.argv[2:]; from stream_engine.local.forkserver import serve; serve(int(sys.argv[1]))"
)


class Child(NamedTuple):
    """A forked worker and our end of the socket that connects us."""

    pid: int
    control: socket.socket


class ForkServer:
    """The script's side of the server. Its ``fileno`` is readable when a child has ended."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self._channel = channel
        self._exits: list[tuple[int, int]] = []

    @classmethod
    def start(cls) -> ForkServer:
        """Starts the server in the background and returns at once."""
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        path = [os.path.abspath(entry) for entry in sys.path if entry]
        arguments = [sys.executable, "-c", _BOOT, str(theirs.fileno()), *path]
        pid = os.posix_spawn(sys.executable, arguments, os.environ)
        theirs.close()
        return cls(pid, ours)

    def fileno(self) -> int:
        return self._channel.fileno()

    def fork(self, count: int, meshed: bool) -> list[Child]:
        """Starts ``count`` workers; when ``meshed``, each is connected with each other."""
        _send(self._channel, ("fork", count, meshed))
        children: list[Child] = []
        while len(children) < count:
            message = _receive(self._channel)
            if message[0] == "exit":
                self._exits.append(message[1:])
            elif message[0] == "failed":
                for child in children:
                    self.kill(child.pid)
                    child.control.close()
                raise OSError(message[1])
            else:
                children.append(Child(message[1], socket.socket(fileno=_receive_descriptor(self._channel))))
        return children

    def exits(self, block: bool = False) -> list[tuple[int, int]]:
        """The (pid, exit code) of the children that have ended since the last call; a negative code is a signal's.

        Raises EOFError when the server itself has died.
        """
        if not self._exits or not block:
            self._channel.setblocking(block)
            try:
                while True:
                    message = _receive(self._channel)
                    self._exits.append(message[1:])
                    self._channel.setblocking(False)
            except BlockingIOError:
                pass
            finally:
                self._channel.setblocking(True)
        exits, self._exits = self._exits, []
        return exits

    def kill(self, pid: int) -> None:
        """Kills a child; its end is reported as any other."""
        _send(self._channel, ("kill", pid))

    def remove_at_end(self, place: Place) -> None:
        """Lets the server remove a directory, should this process end without having done so."""
        _send(self._channel, ("remove", place))

    def close(self) -> None:
        """Ends the server, and with it every child that is left."""
        # Not only closed: a process that the script has forked may hold a copy of it.
        self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        os.waitpid(self.pid, 0)


# --- the server's side -----------------------------------------------------------------------------------------------


def serve(descriptor: int) -> None:
    """Forks on request until the other end of ``descriptor`` is closed, then kills the children that are left."""
    import selectors

    # Imported here, once, for all the workers to be forked.
    from stream_engine.local import worker  # noqa: F401

    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    # Ctrl-C and the like go to a whole group of processes; whether and how workers end is the coordinator's decision.
    # Not SIG_IGN, which programs that user functions start would inherit.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    alarm = Alarm()
    signal.set_wakeup_fd(alarm.trigger, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: set[int] = set()
    places: list[Place] = []
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(alarm, selectors.EVENT_READ)
        try:
            while True:
                for key, _ in selector.select():
                    if key.fileobj is alarm:
                        alarm.silence()
                    else:
                        _answer(channel, children, places, (alarm, selector))
                _reap(channel, children)
        except (EOFError, OSError):
            for pid in children:
                os.kill(pid, signal.SIGKILL)
            _remove(places, children)
            os._exit(0)


def _remove(places: list[Place], children: set[int]) -> None:
    # While they live they may go on writing.
    for pid in children if places else ():
        os.waitpid(pid, 0)
    for place in places:
        place.remove_tree()


def _answer(channel: socket.socket, children: set[int], places: list[Place], private: tuple) -> None:
    request = _receive(channel)
    if request[0] == "remove":
        places.append(request[1])
        return
    if request[0] == "kill":
        if request[1] in children:
            os.kill(request[1], signal.SIGKILL)
        return
    _, count, meshed = request
    # Worker i's sockets to those behind it; made just before the fork, so that few are open at a time.
    waiting: list[dict[int, socket.socket]] = [{} for _ in range(count)]
    _raise_descriptor_limit(count)
    for index in range(count):
        try:
            control, child_control = socket.socketpair()
            if meshed:
                for other in range(index + 1, count):
                    waiting[index][other], waiting[other][index] = socket.socketpair()
            pid = os.fork()
        except OSError as error:
            _send(channel, ("failed", str(error)))
            return
        if pid == 0:
            for descriptor in (channel, control, *private):
                descriptor.close()
            for others in waiting[index + 1 :]:
                for peer in others.values():
                    peer.close()
            _become_worker(index, child_control, waiting[index])
        children.add(pid)
        child_control.close()
        for peer in waiting[index].values():
            peer.close()
        _send(channel, ("forked", pid))
        with control:
            channel.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [control.fileno()]))])


def _become_worker(index: int, control: socket.socket, peers: dict[int, socket.socket]) -> None:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        from stream_engine.local.worker import run_worker

        status = run_worker(index, control, peers)
    finally:
        # No clean-up of the server's: the worker has done its own.
        os._exit(status)


def _reap(channel: socket.socket, children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)
        _send(channel, ("exit", pid, os.waitstatus_to_exitcode(status)))


def _raise_descriptor_limit(workers: int) -> None:
    import resource

    # At most this many socket ends are open at once, half-way through the forks.
    needed = workers * workers // 2 + workers + 64
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))


# --- both sides ------------------------------------------------------------------------------------------------------


def _send(channel: socket.socket, message: tuple) -> None:
    payload = pickle.dumps(message)
    try:
        channel.sendall(_LENGTH.pack(len(payload)) + payload)
    except (BrokenPipeError, ConnectionResetError):
        raise EOFError("the other side is gone") from None


def _receive(channel: socket.socket) -> tuple:
    try:
        header = channel.recv(_LENGTH.size)
    except ConnectionResetError:
        header = b""
    if not header:
        raise EOFError("the other side is gone")
    # Messages are small and written whole, so once one has begun the rest is there or about to be.
    channel.setblocking(True)
    while len(header) < _LENGTH.size:
        header += _more(channel, _LENGTH.size - len(header))
    (length,) = _LENGTH.unpack(header)
    payload = b""
    while len(payload) < length:
        payload += _more(channel, length - len(payload))
    return pickle.loads(payload)


def _more(channel: socket.socket, size: int) -> bytes:
    data = channel.recv(size)
    if not data:
        raise EOFError("the other side is gone")
    return data


def _receive_descriptor(channel: socket.socket) -> int:
    _, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(array("i", [0]).itemsize))
    descriptors = array("i")
    descriptors.frombytes(ancillary[0][2])
    return descriptors[0]
