"""The standard output of a worker, whose coordinator reads slowly."""

from __future__ import annotations

import fcntl
import resource
from socket import socket, socketpair
from threading import Thread

import pytest

from stream_engine.local.worker.console import console_stream
from stream_engine.wire.connection import Connection
from stream_engine.wire.messages import Frame, Kind

# The first that select.select() does not take.
_HIGH = 1024


@pytest.fixture
def high_socket() -> tuple[socket, socket]:
    """Two connected sockets, the first as one among those of many workers: its descriptor has a high number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= _HIGH:
        pytest.skip("the system allows no such descriptor")
    if soft != resource.RLIM_INFINITY and soft <= _HIGH:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_HIGH + 64, hard))
    low, other = socketpair()
    with low:
        return socket(fileno=fcntl.fcntl(low.fileno(), fcntl.F_DUPFD_CLOEXEC, _HIGH)), other


def test_a_print_that_waits_for_its_reader_may_have_a_high_descriptor(high_socket: tuple[socket, socket]) -> None:
    ours, theirs = high_socket
    control, reader = Connection(ours, lambda _: None), Connection(theirs, lambda _: None)
    text = "x" * 2_000_000 + "\n"
    errors: list[BaseException] = []

    def write() -> None:
        try:
            console_stream(control, Kind.CONSOLE, 1).write(text)
            control.drain()
        except BaseException as error:
            errors.append(error)
        finally:
            control.close()

    writer = Thread(target=write)
    writer.start()
    theirs.setblocking(True)
    frames: list[Frame] = []
    while not reader.closed:
        frames += reader.read()
    writer.join()
    reader.close()
    assert not errors
    assert frames == [Frame(Kind.CONSOLE, 0, text.encode())]
