"""A fork server whose workers are functions of this file, and what it outlives."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, wait_until

from stream_engine.local.forkserver.client import ForkServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from launched import Launcher

BOOT = """
import os, signal, sys

sys.path[:] = sys.argv[3:]
from stream_engine.local.forkserver.process import serve


def leave_another(index, control, peers, lifeline):
    # Ends when it is told to, but for a process that SIGTERM does not end.
    ready, told = os.pipe()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(told, b"x")
        while True:
            signal.pause()
    os.read(ready, 1)
    control.recv(1)
    return 7


def tell_peers(index, control, peers, lifeline):
    control.send(repr(sorted(peers)).encode())
    return 0


def refuse():
    raise OSError("there are enough processes")


if sys.argv[2] == "refuse":
    os.fork = refuse
serve(int(sys.argv[1]), tell_peers if sys.argv[2] == "tell peers" else leave_another)
"""


@pytest.fixture
def started() -> Iterator[Callable[[str], ForkServer]]:
    servers: list[ForkServer] = []

    def start(how: str) -> ForkServer:
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        arguments = [sys.executable, "-c", BOOT, str(theirs.fileno()), how, *filter(None, sys.path)]
        servers.append(ForkServer(os.posix_spawn(sys.executable, arguments, os.environ), ours))
        theirs.close()
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_worker_may_be_killed_that_has_ended_and_left_a_process(started: Callable[[str], ForkServer]) -> None:
    server = started("leave another")
    (worker,) = server.fork([0])
    worker.control.send(b"x")
    assert wait_until(lambda: is_gone(worker.pid))
    server.kill(worker.pid)
    assert server.exits(PATIENCE) == [(worker.pid, 7)]
    (other,) = server.fork([0])
    for each in (worker, other):
        each.control.close()


def test_workers_are_connected_with_those_that_they_need_and_no_others(started: Callable[[str], ForkServer]) -> None:
    workers = started("tell peers").fork([4, 3, 0, 0])

    assert [worker.control.recv(100) for worker in workers] == [b"[1, 2, 3]", b"[0, 2]", b"[0, 1]", b"[0]"]
    for worker in workers:
        worker.control.close()


@pytest.mark.skipif(sys.platform != "linux", reason="it is /proc that tells of descriptors")
def test_forks_that_fail_leave_no_descriptors_open(started: Callable[[str], ForkServer]) -> None:
    server = started("refuse")

    def descriptors_after(forks: int) -> int:
        for _ in range(forks):
            with pytest.raises(OSError, match="enough processes"):
                server.fork([2, 2])
        return len(os.listdir(f"/proc/{server.pid}/fd"))

    # It answers before it closes those that it has made in vain.
    first = descriptors_after(1)
    assert wait_until(lambda: descriptors_after(20) <= first, 10)


@pytest.mark.parametrize(
    ("function", "order"),
    [("lambda _: order()", "cloudpickle pyflink_stream.program"), ("order", "pyflink_stream.program")],
)
def test_what_the_functions_of_a_job_need_is_loaded_once_for_all_workers(
    launcher: Launcher, function: str, order: str
) -> None:
    # The program is loaded by each worker, and before its functions.
    lines = launcher.lines(
        f"""
        import sys
        def order(_=None):
            return " ".join(name for name in sys.modules if name in ("cloudpickle", "pyflink_stream.program"))
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map({function}).output()
            env.execute()
        """
    )

    assert lines == [order]


# Frees two MB, as a batch of records does, again and again; prints how many pages the system has to give for that.
BATCHES = """
import resource
KEEP
def faults(batches):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(batches):
        batch = [b"x" * 100_000 for _ in range(20)]
        del batch
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(1)
print(faults(100))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the memory of another C library")
def test_workers_use_the_memory_of_batches_again() -> None:
    def faults(keep: str) -> int:
        return int(subprocess.check_output([sys.executable, "-c", BATCHES.replace("KEEP", keep)]))

    assert faults("") > 10_000
    assert faults("from stream_engine.local.forkserver.process import keep_freed_memory as keep; keep()") < 1000
