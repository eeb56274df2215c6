from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from launched import PATIENCE
from ports import port_to_listen_at, silent_port

from stream_engine.connectors.socket import SocketTextReader

Serve = Callable[[Callable[[socket.socket], object]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server for one connection, which a function handles; returns its port."""
    threads: list[threading.Thread] = []

    def start(handle: Callable[[socket.socket], object]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def accept() -> None:
            with listener:
                connection, _ = listener.accept()
            with connection:
                handle(connection)

        threads.append(threading.Thread(target=accept))
        threads[-1].start()
        return listener.getsockname()[1]

    yield start
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def reader(port: int, delimiter: str = "\n", max_retries: int = 0, retry_interval_ms: int = 10) -> SocketTextReader:
    return SocketTextReader("127.0.0.1", port, delimiter, max_retries, retry_interval_ms)


def records(source: SocketTextReader) -> list[str]:
    collected: list[str] = []
    source.run(collected.append)
    return collected


def reset(connection: socket.socket) -> None:
    """Breaks the connection, instead of ending it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Running:
    """A reader that runs in a thread of its own."""

    def __init__(self, source: SocketTextReader) -> None:
        self.records: list[str] = []
        self.error: BaseException | None = None
        self.got_one = threading.Event()
        self._source = source
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._source.run(self._collect)
        except BaseException as error:
            self.error = error

    def _collect(self, record: str) -> None:
        self.records.append(record)
        self.got_one.set()

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


def test_lines_come_until_the_end_of_the_stream_and_what_is_left_is_the_last(serve: Serve) -> None:
    port = serve(lambda connection: connection.sendall(b"one\ntwo\r\n\nthr\ree\nfour\r"))

    assert records(reader(port)) == ["one", "two", "", "thr\ree", "four\r"]


def test_a_server_that_sends_nothing_gives_nothing(serve: Serve) -> None:
    assert records(reader(serve(lambda connection: None))) == []


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 1000])
def test_characters_that_arrive_in_parts_are_whole_and_broken_ones_are_replaced(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, chunk_size: int
) -> None:
    monkeypatch.setattr("stream_engine.connectors.socket._CHUNK", chunk_size)
    port = serve(lambda connection: connection.sendall("größe 😀\n".encode() + b"a\xff\xe6\x97\nb"))

    assert records(reader(port)) == ["größe 😀", "a\ufffd\ufffd", "b"]


def test_a_delimiter_may_be_any_text(serve: Serve) -> None:
    for delimiter in ("|", "\0", "\r\n", "--", "é"):
        data = f"a\n{delimiter}b\r{delimiter}{delimiter}c{delimiter}".encode()
        port = serve(lambda connection, data=data: connection.sendall(data))

        assert records(reader(port, delimiter)) == data.decode().split(delimiter)[:-1]


@given(
    st.lists(st.sampled_from([b"-", b"--", b"a", b"\n", "é".encode()]), max_size=12).map(b"".join), st.integers(1, 3)
)
def test_a_delimiter_in_parts_is_found_as_in_the_whole_text(data: bytes, chunk_size: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.MonkeyPatch.context() as patch:
        # What is sent in parts may well arrive as one: only small reads make sure that it does not.
        patch.setattr("stream_engine.connectors.socket._CHUNK", chunk_size)
        running = Running(reader(listener.getsockname()[1], "--"))
        connection, _ = listener.accept()
        with connection:
            connection.sendall(data)
        running.join()

    *ended, rest = data.decode("utf-8", "replace").split("--")
    assert running.error is None
    assert running.records == ([*ended, rest] if rest else ended)


def test_a_record_far_longer_than_a_packet_takes_time_in_proportion(serve: Serve) -> None:
    long = b"x" * 50_000_000
    port = serve(lambda connection: connection.sendall(long + b"\nend"))
    began = time.process_time()

    assert [len(record) for record in records(reader(port))] == [50_000_000, 3]
    assert time.process_time() - began < 5


def test_a_server_that_starts_late_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    refused = threading.Event()

    class Refused(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            refused.set()

    handler = Refused()
    logging.getLogger("stream_engine.connectors.socket").addHandler(handler)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        try:
            running = Running(reader(port, max_retries=-1))
            assert refused.wait(PATIENCE)
        finally:
            logging.getLogger("stream_engine.connectors.socket").removeHandler(handler)
        listener.listen()
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"at last\n")
    running.join()

    assert running.records == ["at last"]
    assert f"127.0.0.1:{port} does not answer yet (Connection refused); trying again every 10 ms" in caplog.text


def test_without_a_server_the_reader_gives_up_after_its_retries() -> None:
    began = time.monotonic()

    with silent_port() as port, pytest.raises(ConnectionError) as raised:
        records(reader(port, max_retries=3, retry_interval_ms=50))

    assert str(raised.value) == (
        f"cannot connect to 127.0.0.1:{port}, in 4 attempts: Connection refused; "
        "start the server before the job, or correct the port"
    )
    assert time.monotonic() - began >= 0.15


def test_without_retries_the_first_refusal_is_an_error() -> None:
    with silent_port() as port:
        told = f"cannot connect to 127.0.0.1:{port}: Connection refused"
        with pytest.raises(ConnectionError, match=told):
            records(reader(port, max_retries=0))


def test_a_connection_to_its_own_end_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    class FromItsOwnPort(socket.socket):
        """The system may do this by chance, if the port is one that it gives to clients."""

        def connect_ex(self, address: Any, /) -> int:
            self.bind(address)
            return super().connect_ex(address)

    source = reader(port_to_listen_at())
    monkeypatch.setattr(socket, "socket", FromItsOwnPort)

    with pytest.raises(ConnectionError, match="Connection refused"):
        source.run(print)


def test_an_unknown_host_name_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(ConnectionError, match="cannot connect to no-such-host:9999: Name or service not known"):
        SocketTextReader("no-such-host", 9999, "\n", -1, 1000).run(print)


def test_the_end_of_the_stream_is_not_a_reason_to_connect_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Running(reader(listener.getsockname()[1], max_retries=-1))
        listener.accept()[0].close()
        running.join()
        listener.setblocking(False)

        with pytest.raises(BlockingIOError):
            listener.accept()
    assert running.error is None


@pytest.mark.parametrize(("sent", "begun"), [(b"whole\nbegun", 5), (b"whole\n", 0)])
def test_a_connection_that_is_reset_is_an_error(sent: bytes, begun: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        running = Running(reader(port, max_retries=5))
        connection, _ = listener.accept()
        connection.sendall(sent)
        assert running.got_one.wait(PATIENCE)
        reset(connection)
        running.join()

    assert running.records == ["whole"]
    assert isinstance(running.error, ConnectionError)
    assert f"lost the connection to 127.0.0.1:{port}" in str(running.error)
    assert f"{begun} bytes of a record had come" in str(running.error)


def test_cancel_ends_a_wait_for_data_without_the_record_that_is_not_complete() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        source = reader(listener.getsockname()[1])
        running = Running(source)
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"one\nbegun")
            assert running.got_one.wait(PATIENCE)

            source.cancel()
            running.join()

    assert running.records == ["one"]
    assert running.error is None


def test_cancel_ends_a_wait_for_the_server() -> None:
    with silent_port() as port:
        source = reader(port, max_retries=-1, retry_interval_ms=3_600_000)
        running = Running(source)

        source.cancel()
        running.join()

    assert running.error is None


def test_cancel_ends_an_attempt_to_connect_that_nobody_answers() -> None:
    # A full queue of connections that nobody accepts: the next one is left without an answer.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        source = reader(listener.getsockname()[1])
        running = Running(source)

        source.cancel()
        running.join()

        for filler in fillers:
            filler.close()
    assert running.error is None


def test_cancel_from_within_collect_ends_the_records(serve: Serve) -> None:
    source = reader(serve(lambda connection: connection.sendall(b"one\ntwo\nthree\n")))
    collected: list[str] = []

    def collect(record: str) -> None:
        collected.append(record)
        source.cancel()

    source.run(collect)

    assert collected == ["one"]


def test_cancel_before_and_after_run_does_no_harm() -> None:
    with silent_port() as port:
        source = reader(port, max_retries=-1)

        source.cancel()
        source.run(print)
        source.cancel()


def test_an_error_in_collect_ends_the_connection_and_is_passed_on(serve: Serve) -> None:
    closed = threading.Event()

    def handle(connection: socket.socket) -> None:
        connection.sendall(b"one\n")
        if not connection.recv(1):
            closed.set()

    def fail(record: str) -> None:
        raise LookupError(record)

    with pytest.raises(LookupError, match="one"):
        reader(serve(handle)).run(fail)
    assert closed.wait(PATIENCE)


@pytest.mark.parametrize(
    ("host", "port", "delimiter", "max_retries", "retry_interval", "message"),
    [
        ("", 1, "\n", 0, 0, "host name is empty"),
        ("h", 0, "\n", 0, 0, "0 is not a port of h"),
        ("h", 65536, "\n", 0, 0, "65536 is not a port"),
        ("h", 1, "", 0, 0, "delimiter"),
        ("h", 1, "\n", -2, 0, "max_retries is -2"),
        ("h", 1, "\n", 0, -1, "retry_interval is -1 ms"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    host: str, port: int, delimiter: str, max_retries: int, retry_interval: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SocketTextReader(host, port, delimiter, max_retries, retry_interval)
