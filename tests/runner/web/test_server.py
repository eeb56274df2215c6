"""The server behind the metrics and the page."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE
from ports import port_to_listen_at

from pyflink_stream.web.response import Response
from pyflink_stream.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Greeting:
    def answer(self, path: str, headers: Mapping[str, str]) -> Response | None:
        if path == "/broken":
            raise ValueError("no greeting")
        return Response(f"hello {path}".encode(), "text/plain") if path.startswith("/a") else None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(Greeting(), "127.0.0.1", [0])
    yield server
    server.close()


class Answer:
    """The answer to a request."""

    def __init__(self, server: Server, method: str = "GET", path: str = "/a", **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        connection.close()


def test_it_answers_questions(server: Server) -> None:
    response = Answer(server, path="/a/b?c=d")
    assert (response.status, response.body) == (200, b"hello /a/b")
    assert response.headers.get("Cache-Control") == "no-store"
    assert "'none'" in str(response.headers.get("Content-Security-Policy"))
    head = Answer(server, "HEAD")
    assert (head.status, head.headers.get("Content-Length"), head.body) == (200, "8", b"")


def test_what_is_not_there_is_not_found(server: Server) -> None:
    assert Answer(server, path="/b").status == 404


def test_a_mistake_of_ours_is_an_answer_too(server: Server) -> None:
    response = Answer(server, path="/broken")
    assert (response.status, response.body) == (500, b"ValueError: no greeting\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "UNHEARD"])
def test_nothing_can_be_changed(server: Server, method: str) -> None:
    response = Answer(server, method)
    assert (response.status, response.headers.get("Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8081", 200),
        ("LOCALHOST", 200),
        ("localhost.", 200),
        ("127.0.0.1", 200),
        ("[::1]:9249", 200),
        ("10.1.2.3:80", 200),
        ("evil.example", 403),
        ("evil.example:8081", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("[::1].evil.example", 403),
        ("", 403),
    ],
)
def test_only_requests_for_this_machine_are_answered(server: Server, host: str, status: int) -> None:
    assert Answer(server, Host=host).status == status


def test_a_request_that_names_no_host_is_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(b"GET /a HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403 ")


def test_what_comes_with_a_question_is_not_taken_for_another(server: Server) -> None:
    other = b"GET /a/other HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(b"GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(other) + other)
        answer = b""
        while data := connection.recv(4096):
            answer += data
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.endswith(b"hello /a")


def test_the_machines_own_name_and_that_of_the_address_are_known() -> None:
    server = Server(Greeting(), "localhost", [0])
    try:
        assert Answer(server, Host=f"{socket.gethostname()}:{server.port}").status == 200
    finally:
        server.close()


def test_of_several_ports_the_first_free_one_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = [taken.getsockname()[1], port_to_listen_at()]
        server = Server(Greeting(), "127.0.0.1", ports)
        try:
            assert server.port == ports[1]
            with pytest.raises(OSError, match="in use"):
                Server(Greeting(), "127.0.0.1", ports)
        finally:
            server.close()


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")],
)
def test_the_address_is_one_that_a_browser_takes(host: str, address: str) -> None:
    try:
        server = Server(Greeting(), host, [0])
    except OSError:
        pytest.skip(f"this machine has no {host}")
    assert server.address == f"{address}{server.port}/"
    server.close()
