"""Those who ask cannot harm a job, however many they are and however long they take; and others are answered."""

from __future__ import annotations

import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import ExitStack
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from launched import PATIENCE, wait_until
from ports import port_to_listen_at

from pyflink_stream.web import service
from pyflink_stream.web.response import Response
from pyflink_stream.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from launched import Command

MOST = service._MOST
LARGE = bytes(64 * 1024 * 1024)


class Site:
    """At ``/slow`` it answers when ``answers`` is set."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.answers = Event()

    def answer(self, path: str, headers: Mapping[str, str]) -> Response:
        if path == "/slow":
            self.asked.release()
            self.answers.wait(PATIENCE)
        return Response(LARGE if path == "/large" else b"hello", "text/plain")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def server(site: Site) -> Iterator[Server]:
    server = Server(site, "127.0.0.1", [0])
    yield server
    site.answers.set()
    server.close()
    assert wait_until(lambda: not serving())


@pytest.fixture
def crowd() -> Iterator[ExitStack]:
    """Closes what is opened."""
    with ExitStack() as opened:
        yield opened


def connect(server: Server, crowd: ExitStack) -> socket.socket:
    return crowd.enter_context(socket.create_connection(("127.0.0.1", server.port), PATIENCE))


def ask(connection: socket.socket, path: str) -> None:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def answer_of(server: Server) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("GET", "/")
    body = connection.getresponse().read()
    connection.close()
    return body


def has_ended(connection: socket.socket) -> bool:
    """Whether the other end closes the connection, which this waits for."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def serving() -> int:
    """How many connections have a thread."""
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


# --- too many --------------------------------------------------------------------------------------------------------


def test_silent_connections_make_room_for_others_the_oldest_first(server: Server, crowd: ExitStack) -> None:
    silent = [connect(server, crowd) for _ in range(MOST)]
    assert wait_until(lambda: serving() == MOST)
    assert answer_of(server) == b"hello"
    assert has_ended(silent[0])
    more = [connect(server, crowd) for _ in range(3 * MOST)]
    assert all(has_ended(connection) for connection in silent)
    # The thread of one that has ended is there a moment longer.
    assert wait_until(lambda: serving() <= MOST)
    assert answer_of(server) == b"hello"
    ask(more[-1], "/")
    assert more[-1].recv(100).startswith(b"HTTP/1.1 200 ")


def test_who_is_being_answered_is_not_ended_for_others(server: Server, site: Site, crowd: ExitStack) -> None:
    asking = [connect(server, crowd) for _ in range(MOST)]
    for connection in asking:
        ask(connection, "/slow")
    for _ in asking:
        assert site.asked.acquire(timeout=PATIENCE)
    assert all(has_ended(connect(server, crowd)) for _ in range(3))
    site.answers.set()
    assert all(connection.recv(100).startswith(b"HTTP/1.1 200 ") for connection in asking)
    assert answer_of(server) == b"hello"


def test_the_end_waits_for_what_is_being_answered_and_no_longer(server: Server, site: Site, crowd: ExitStack) -> None:
    server.finish(60)
    ask(connect(server, crowd), "/slow")
    assert site.asked.acquire(timeout=PATIENCE)
    waiting = Thread(target=server.finish, args=(60,))
    waiting.start()
    server.finish(0.1)
    assert waiting.is_alive()
    site.answers.set()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


# --- too slow --------------------------------------------------------------------------------------------------------


def test_a_question_that_comes_byte_by_byte_is_not_waited_for(
    server: Server, crowd: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_LONGEST", 1.0)
    connection = connect(server, crowd)
    connection.settimeout(0.05)
    connection.sendall(b"GET / HTTP/1.1\r\n")

    def sends_more() -> bool:
        try:
            connection.sendall(b"X-More: x\r\n")
            return connection.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False

    assert wait_until(lambda: not sends_more())
    assert wait_until(lambda: serving() == 0)
    assert answer_of(server) == b"hello"


@pytest.mark.parametrize("path", ["/large", "/", ""])
def test_clients_that_read_no_answer_or_fall_silent_are_not_waited_for(
    server: Server, crowd: ExitStack, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    connection = connect(server, crowd)
    if path:
        ask(connection, path)
    assert wait_until(lambda: serving() == 1)
    monkeypatch.setattr(service, "_LONGEST", 1.0)
    assert wait_until(lambda: serving() == 0)


def test_connections_end_with_the_server(site: Site) -> None:
    server = Server(site, "127.0.0.1", [0])
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"hello"
    server.close()
    connection.request("GET", "/")
    with pytest.raises(ConnectionError):
        connection.getresponse()
    connection.close()
    assert wait_until(lambda: serving() == 0)


def test_a_connection_stays_open_while_it_is_used_and_for_half_a_minute(
    server: Server, crowd: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(service, "monotonic", lambda: now[0])
    connection = connect(server, crowd)
    for _ in range(4):
        ask(connection, "/")
        answer = b""
        while not answer.endswith(b"hello"):
            answer += connection.recv(10_000)
        # It is silent from when the server knows that the answer is sent, by the clock as it then is.
        server.finish(PATIENCE)
        now[0] += 20
        assert server._service is not None
        server._service.service_actions()
    now[0] += 11
    assert has_ended(connection)


# --- nothing left in the process -------------------------------------------------------------------------------------


def test_it_answers_again_when_descriptors_had_run_out(server: Server, crowd: ExitStack) -> None:
    assert answer_of(server) == b"hello"
    assert wait_until(lambda: not serving())
    with socket.socket() as client:
        client.settimeout(PATIENCE)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
        try:
            while True:
                try:
                    crowd.callback(os.close, os.open(os.devnull, os.O_RDONLY))
                except OSError:
                    break
            client.connect(("127.0.0.1", server.port))
            ask(client, "/")
            client.settimeout(0.5)
            with pytest.raises(TimeoutError):
                client.recv(1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        client.settimeout(PATIENCE)
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")


def test_it_answers_again_when_threads_had_run_out(
    server: Server, crowd: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answer_of(server) == b"hello"

    def no_more(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", no_more)
        assert has_ended(connect(server, crowd))
    assert answer_of(server) == b"hello"


def test_a_server_that_no_thread_can_be_had_for_is_an_error_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    port = port_to_listen_at()
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", no_more)
        with pytest.raises(OSError, match="can't start new thread"):
            Server(Site(), "127.0.0.1", [port])
    Server(Site(), "127.0.0.1", [port]).close()


def test_the_first_question_is_answered_when_descriptors_had_run_out() -> None:
    """What answers it is loaded then, from files."""
    program = """
import os, resource, socket, sys, threading
sys.path[:0] = sys.argv[1:]
from pyflink_stream.web.response import Response
from pyflink_stream.web.server import Server

class Site:
    def answer(self, path, headers):
        return Response(b"hello", "text/plain")

server = Server(Site(), "127.0.0.1", [0])
assert "http.server" not in sys.modules and "socketserver" not in sys.modules
failed = threading.Event()
wait = server._closed.wait
server._closed.wait = lambda seconds: (failed.set(), wait(seconds))
client = socket.socket()
resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
opened = []
while True:
    try:
        opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        break
client.connect(("127.0.0.1", server.port))
client.sendall(b"GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n")
assert failed.wait(60)
client.settimeout(60)
for descriptor in opened:
    os.close(descriptor)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
print(client.recv(100).splitlines()[0].decode())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *sys.path], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.stdout, done.stderr) == ("HTTP/1.1 200 OK\n", "")


# --- with a job ------------------------------------------------------------------------------------------------------

JOB = """
import os, time

def once(number):
    time.sleep(0.005)
    if os.path.exists("fail"):
        os.unlink("fail")
        raise ValueError("once")
    return number

def main(factory):
    env = factory.get_execution_environment()
    env.generate_sequence(1, 10**9).map(once).write_as_text("output")
    env.execute()
"""
OPTIONS = (
    "rest.port=0",
    "execution.checkpointing.interval=50",
    "state.checkpoints.dir=checkpoints",
    "restart-strategy.exponential-delay.initial-backoff=1",
)


def newest_checkpoint(command: Command) -> int:
    complete = command.directory.glob("checkpoints/*/chk-*/_metadata")
    return max((int(path.parent.name[4:]) for path in complete), default=0)


def test_a_job_keeps_its_checkpoints_and_restarts_under_1100_idle_connections(
    command: Command, crowd: ExitStack
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1_300:
        pytest.skip("this process may not have 1,100 connections")
    crowd.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    command.write("job.py", JOB)
    options = [part for option in OPTIONS for part in ("-D", option)]
    # What most systems let a process have.
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    process = command.start(*options, "job.py")
    crowd.callback(process.communicate)
    crowd.callback(process.kill)
    assert process.stderr is not None
    address = process.stderr.readline().rpartition(" ")[2].strip()
    port = int(address.rpartition(":")[2].strip("/"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1_300), hard))
    for _ in range(1_100):
        crowd.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
    before = newest_checkpoint(command)
    assert wait_until(lambda: newest_checkpoint(command) > before + 2)
    command.write("fail", "")
    restart = process.stderr.readline()
    assert restart.startswith("Restart 1 from checkpoint "), restart
    before = newest_checkpoint(command)
    assert wait_until(lambda: newest_checkpoint(command) > before + 2)
    with urllib.request.urlopen(f"{address}jobs", timeout=PATIENCE) as response:
        assert b"RUNNING" in response.read()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (143, "")
    assert "Error" not in err
