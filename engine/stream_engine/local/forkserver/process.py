"""The process of the fork server."""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
from collections.abc import Callable
from importlib import import_module
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.local.forkserver.client import BLOCKED
from stream_engine.local.forkserver.forked_children import in_forked_children, restore_signals
from stream_engine.local.forkserver.lifeline import bind_to
from stream_engine.local.forkserver.messages import receive, send, send_descriptor
from stream_engine.local.forkserver.process_groups import signal_group
from stream_engine.local.waker import Waker

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place

# Bytes of freed memory that a worker keeps.
_KEPT = 32 * 1024 * 1024
# How long processes that a worker leaves behind may take to end after SIGTERM, in seconds.
_LINGER = 0.5
# How long workers live on when the script's process has died, in seconds.
_MOMENT = 0.1
# How often to check whether it has, in seconds: the system tells only its parent.
_GLANCE = 0.01


# The main function of a child. It takes its index, its socket to the script's process, the sockets to its peers by
# index, and its lifeline; it returns the exit status.
RunWorker = Callable[[int, socket.socket, dict[int, socket.socket], int], int]


def serve(descriptor: int, run_worker: RunWorker) -> NoReturn:
    """Forks on request until the other end of ``descriptor`` is closed, then kills the children that are left.

    Each child is a worker: it calls ``run_worker``, whose modules are already loaded, once for all children.
    """
    # What is loaded stays: no worker has to look at it for garbage, which would copy the memory that all share.
    gc.freeze()
    gc.enable()
    keep_freed_memory()
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    _Server(channel, run_worker).run()


def keep_freed_memory() -> None:
    """Lets this process and its children use freed memory again, up to some MB, instead of giving it back.

    glibc gives back what is free at the end of its heap beyond 128 kB, which batches of records may cross each time:
    the system then has to find and clear the same pages again. It keeps twice as much as the largest block that it
    has had to map, once that is freed; this one is never touched, so it costs nothing.
    """
    bytes(_KEPT // 2)


class _Server:
    """``channel`` is connected with the script's process."""

    def __init__(self, channel: socket.socket, run_worker: RunWorker) -> None:
        self._channel = channel
        self._run_worker = run_worker
        self._waker = Waker()
        self._selector = selectors.DefaultSelector()
        # The other end of each worker's lifeline.
        self._lifelines: dict[int, int] = {}
        # Workers that have ended, and left others in their group: until when those may live, and the exit code.
        self._leftovers: dict[int, tuple[float, int]] = {}
        self._places: list[Place] = []

    def run(self) -> NoReturn:
        self._handle_signals()
        self._selector.register(self._channel, selectors.EVENT_READ)
        self._selector.register(self._waker, selectors.EVENT_READ)
        try:
            while True:
                for key, _ in self._selector.select(_GLANCE if self._leftovers else None):
                    if key.fileobj is self._waker:
                        self._waker.clear()
                    else:
                        self._answer(receive(self._channel))
                self._reap()
                self._end_leftovers()
        except (EOFError, OSError):
            # The script's process has ended, or closed its side.
            self._end()
        os._exit(0)

    def _handle_signals(self) -> None:
        # Ctrl-C and the like go to a whole group of processes; whether and how workers end is the coordinator's
        # decision. Not SIG_IGN, which programs that user functions start would inherit.
        for number in BLOCKED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _do_nothing)
        if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
            signal.signal(signal.SIGTSTP, self._suspend)
        signal.signal(signal.SIGCHLD, _do_nothing)
        signal.set_wakeup_fd(self._waker.trigger, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)

    def _suspend(self, number: int, frame: object) -> None:
        """Handles Ctrl-Z, which does not reach the workers' sessions: they stop while this process does."""
        for pid in self._lifelines:
            signal_group(pid, signal.SIGSTOP)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._suspend)
        for pid in self._lifelines:
            signal_group(pid, signal.SIGCONT)

    @property
    def _living(self) -> set[int]:
        """The workers whose end the system has not reported yet."""
        return self._lifelines.keys() - self._leftovers.keys()

    # --- requests ----------------------------------------------------------------------------------------------------

    def _answer(self, request: tuple) -> None:
        if request[0] == "remove":
            self._places.append(request[1])
        elif request[0] == "kill":
            # What an ended worker has left behind ends by itself.
            if request[1] in self._living:
                os.kill(request[1], signal.SIGKILL)
        else:
            self._fork(*request[1:])

    def _fork(self, reach: list[int], modules: list[str]) -> None:
        for name in modules:
            import_module(name)
        gc.freeze()
        # Worker i's sockets to those behind it; made just before the fork, so that few are open at a time.
        waiting: list[dict[int, socket.socket]] = [{} for _ in reach]
        _raise_descriptor_limit(reach)
        for index, end in enumerate(reach):
            try:
                control, child_control = socket.socketpair()
                for other in range(index + 1, end):
                    waiting[index][other], waiting[other][index] = socket.socketpair()
                lifeline, held = os.pipe()
                try:
                    pid = os.fork()
                except OSError:
                    os.close(lifeline)
                    os.close(held)
                    raise
            except OSError as error:
                send(self._channel, ("failed", str(error)))
                return
            if pid == 0:
                for each in (self._channel, control, self._waker, self._selector):
                    each.close()
                for descriptor in (held, *self._lifelines.values()):
                    os.close(descriptor)
                for others in waiting[index + 1 :]:
                    for peer in others.values():
                        peer.close()
                _become_worker(self._run_worker, index, child_control, waiting[index], lifeline)
            self._lifelines[pid] = held
            os.close(lifeline)
            child_control.close()
            for peer in waiting[index].values():
                peer.close()
            send(self._channel, ("forked", pid))
            with control:
                send_descriptor(self._channel, control.fileno())

    # --- ends --------------------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        while self._living:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            # Some, such as cleaners of shared memory, end by themselves when the others have.
            signal_group(pid, signal.SIGTERM)
            self._leftovers[pid] = (monotonic() + _LINGER, os.waitstatus_to_exitcode(status))

    def _end_leftovers(self) -> None:
        """Reports workers that have ended, once nothing of their groups is left."""
        for pid, (until, code) in list(self._leftovers.items()):
            if not signal_group(pid, 0) or monotonic() >= until:
                signal_group(pid, signal.SIGKILL)
                del self._leftovers[pid]
                os.close(self._lifelines.pop(pid))
                send(self._channel, ("exit", pid, code))

    def _end(self) -> None:
        workers = self._living
        if workers:
            # Whoever kills the script's process may be about to kill this one, too. Then the lifelines of the workers
            # that still live end their whole groups; those of dead ones could not.
            sleep(_MOMENT)
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        for pid in workers:
            os.waitpid(pid, 0)
            signal_group(pid, signal.SIGTERM)
        until = monotonic() + _LINGER
        while any(signal_group(pid, 0) for pid in self._lifelines) and monotonic() < until:
            sleep(_GLANCE)
        for pid in self._lifelines:
            signal_group(pid, signal.SIGKILL)
        # Only now: while they lived they might have written there.
        for place in self._places:
            place.remove_tree()


def _become_worker(
    run_worker: RunWorker, index: int, control: socket.socket, peers: dict[int, socket.socket], lifeline: int
) -> NoReturn:
    status = 1
    try:
        os.setsid()
        bind_to(lifeline)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTSTP, signal.SIGQUIT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        # Processes that functions fork must end when they are told to.
        handled = [number for number in BLOCKED if signal.getsignal(number) is _do_nothing]
        defaults: dict[int, Any] = dict.fromkeys(handled, signal.SIG_DFL)
        if signal.SIGINT in defaults:
            defaults[signal.SIGINT] = signal.default_int_handler
        in_forked_children(lambda: restore_signals(defaults))
        status = run_worker(index, control, peers, lifeline)
    finally:
        # Without the clean-up of the server: the worker has done its own.
        os._exit(status)


def _raise_descriptor_limit(reach: list[int]) -> None:
    import resource

    # At most this many socket ends are open at once, half-way through the forks, and a lifeline of each worker.
    needed = sum(max(0, end - index) for index, end in enumerate(reach)) + 2 * len(reach) + 64
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))


def _do_nothing(number: int, frame: object) -> None:
    """A handler: the signal then ends nothing."""
