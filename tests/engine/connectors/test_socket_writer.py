from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE
from ports import silent_port

from stream_engine.connectors.socket_writer import SocketWriter

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def port_of(listening: socket.socket) -> int:
    return listening.getsockname()[1]


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def send_without_end(writer: SocketWriter) -> None:
    while True:
        writer.send(b"x" * 1000)


def test_the_server_gets_all_bytes_in_their_order_and_then_the_end(listener: socket.socket) -> None:
    writer = SocketWriter("127.0.0.1", port_of(listener))
    connection, _ = listener.accept()

    writer.send(b"one\n")
    writer.send(b"")
    writer.send(b"\0\xff")
    writer.close()

    with connection:
        assert read_all(connection) == b"one\n\0\xff"


def test_a_record_larger_than_every_buffer_arrives_whole(listener: socket.socket) -> None:
    writer = SocketWriter("localhost", port_of(listener))
    connection, _ = listener.accept()
    received: list[bytes] = []
    server = threading.Thread(target=lambda: received.append(read_all(connection)))
    server.start()
    data = bytes(range(256)) * 100_000

    writer.send(data)
    writer.close()

    server.join(PATIENCE)
    connection.close()
    assert received == [data]


def test_a_record_is_sent_without_waiting_for_the_next(listener: socket.socket) -> None:
    writer = SocketWriter("127.0.0.1", port_of(listener))
    connection, _ = listener.accept()

    with connection:
        for record in (b"a", b"b", b"c"):
            writer.send(record)
            assert connection.recv(10) == record
        writer.close()


def test_without_a_server_making_a_writer_is_an_error_that_names_it() -> None:
    with silent_port() as port:
        told = f"cannot connect to 127.0.0.1:{port}: Connection refused"
        with pytest.raises(ConnectionError, match=told):
            SocketWriter("127.0.0.1", port)


def test_a_broken_connection_is_an_error_that_names_the_server(listener: socket.socket) -> None:
    writer = SocketWriter("127.0.0.1", port_of(listener))
    connection, _ = listener.accept()
    connection.close()

    with pytest.raises(ConnectionError, match=f"lost the connection to 127.0.0.1:{port_of(listener)}: .*bytes"):
        send_without_end(writer)

    writer.close()


def test_a_connection_that_broke_after_the_last_record_is_an_error_at_the_close(listener: socket.socket) -> None:
    writer = SocketWriter("127.0.0.1", port_of(listener))
    connection, _ = listener.accept()
    writer.send(b"never read")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()

    with pytest.raises(ConnectionError, match=r"lost the connection to .*; 10 bytes had been sent"):
        writer.close()


def test_what_the_server_says_does_not_cost_it_the_last_records() -> None:
    with socket.socket() as listener:
        # So little room that most records are still on this side, where a reset would throw them away.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        writer = SocketWriter("127.0.0.1", port_of(listener))
        connection, _ = listener.accept()
    records = b"record\n" * 4000

    with connection:
        connection.sendall(b"welcome\n")
        writer.send(records)
        writer.close()

        assert read_all(connection) == records


def test_an_address_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="70000 is not a port of localhost"):
        SocketWriter("localhost", 70000)
