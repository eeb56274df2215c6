"""Measures from outside, through sockets, what a running job takes: time for a record, memory at rest."""

from __future__ import annotations

import select
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

from contest import ContestError, kill_group, start_process

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence

# Seconds that a job may take to start, or to answer.
PATIENCE = 60


class Latency(NamedTuple):
    """How long records took from end to end, in ms."""

    p50: float
    p99: float
    max: float


class Job:
    """A running job that connects to ``host:port`` for its lines, and to the same host's ``sink_port`` with results."""

    def __init__(self, source: socket.socket, sinks: list[socket.socket]) -> None:
        self.source = source
        self.sinks = sinks
        self._partial = dict.fromkeys(sinks, b"")

    def lines(self, timeout: float) -> list[bytes]:
        """What has come back, as soon as something has; empty after ``timeout`` (s) or at the end."""
        ready = select.select(self.sinks, [], [], max(0.0, timeout))[0]
        lines: list[bytes] = []
        for sink in ready:
            data = sink.recv(65536)
            if not data:
                self.sinks.remove(sink)
            *whole, self._partial[sink] = (self._partial[sink] + data).split(b"\n")
            lines.extend(whole)
        return lines


@contextmanager
def running(command: Callable[[str, int, int], Sequence[str]], directory: Path, workers: int) -> Iterator[Job]:
    """Runs ``command(host, port, sink_port)``; at the end its source is closed, and it has to succeed."""
    with (
        tempfile.TemporaryFile("w+") as err,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("127.0.0.1", 0)) as sink_server,
    ):
        host, port = server.getsockname()
        arguments = command(host, port, sink_server.getsockname()[1])
        process = start_process(arguments, directory, {}, err, err)
        connections: list[socket.socket] = []
        try:
            for listener, count in ((server, 1), (sink_server, workers)):
                connections.extend(_accepted(listener, process) for _ in range(count))
            source, *sinks = connections
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            job = Job(source, sinks)
            yield job
            source.close()
            while job.sinks:
                job.lines(PATIENCE)
            if process.wait(PATIENCE) != 0:
                raise ContestError("it failed")
        except (ContestError, OSError) as error:
            err.seek(0)
            raise ContestError(f"{' '.join(arguments)}: {error}\n{err.read()}") from error
        finally:
            kill_group(process.pid)
            process.wait()
            for connection in connections:
                connection.close()


def _accepted(listener: socket.socket, process: subprocess.Popen[bytes]) -> socket.socket:
    """The next connection. Raises ContestError when the process has ended, or takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not select.select([listener], [], [], 0.1)[0]:
        if process.poll() is not None or time.monotonic() > deadline:
            raise ContestError("it did not connect")
    connection, _ = listener.accept()
    return connection


def latency(job: Job, rate: int, seconds: float, keys: int) -> Latency:
    """Sends ``rate`` lines a second for ``seconds``, each with one of ``keys`` keys and when it was due; awaits each.

    Those of the first tenth are not counted: they meet a job that has only begun.
    """
    count = round(rate * seconds)
    start = time.perf_counter()
    taken: list[tuple[float, float]] = []
    sent = 0
    while len(taken) < count:
        now = time.perf_counter()
        due = start + sent / rate
        if sent < count and now >= due:
            # With the time that it was due at, however late this is.
            job.source.sendall(f"key{sent % keys} {due!r}\n".encode())
            sent += 1
            continue
        lines = job.lines(due - now if sent < count else PATIENCE)
        now = time.perf_counter()
        if not lines and sent == count:
            raise ContestError(f"{count - len(taken)} of {count} records did not come back")
        for line in lines:
            at = float(line.split()[1])
            taken.append((at, (now - at) * 1000))
    counted = [ms for at, ms in taken if at >= start + seconds / 10]
    cuts = quantiles(counted, n=100, method="inclusive")
    return Latency(cuts[49], cuts[98], max(counted))


def workers_of(job: Job, count: int) -> set[int]:
    """The pids of the processes that work on the lines of the job memory.py."""
    pids: set[int] = set()
    deadline = time.monotonic() + PATIENCE
    while len(pids) < count:
        if time.monotonic() > deadline:
            raise ContestError(f"only the workers {pids} have answered")
        job.source.sendall(b"line\n" * count)
        pids.update(map(int, job.lines(1)))
    return pids


def memory_of(pid: int) -> float | None:
    """MB that are the process's own, shared with no other (USS); None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
