"""Frames over a socket that takes and gives a few bytes at a time."""

from __future__ import annotations

from socket import SO_SNDBUF, SOL_SOCKET, socketpair
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_engine.wire.connection import Connection
from stream_engine.wire.messages import Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ends:
    """Two connected connections; ``backlogs`` counts how often the first was left with unsent bytes."""

    def __init__(self) -> None:
        ours, theirs = socketpair()
        ours.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
        self.backlogs = 0
        self.sender = Connection(ours, self._on_backlog)
        self.receiver = Connection(theirs, lambda _: None)

    def _on_backlog(self, connection: Connection) -> None:
        self.backlogs += 1

    def close(self) -> None:
        self.sender.close()
        self.receiver.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.close()


def test_frames_arrive_as_they_were_sent(ends: Ends) -> None:
    ends.sender.send(Kind.DATA, 7, b"payload")
    ends.sender.send(Kind.END, 2**32 - 1)
    assert ends.receiver.read() == [Frame(Kind.DATA, 7, b"payload"), Frame(Kind.END, 2**32 - 1, b"")]
    assert ends.receiver.read() == []
    assert not ends.receiver.closed


def test_what_the_socket_does_not_take_waits_until_it_does(ends: Ends) -> None:
    payload = bytes(range(256)) * 8192
    ends.sender.send(Kind.DATA, 1, payload)
    assert ends.backlogs == 1
    assert ends.sender.backlog > len(payload) // 2
    received: list[Frame] = []
    while not ends.sender.write():
        received += ends.receiver.read()
    while not received:
        received += ends.receiver.read()
    assert received == [Frame(Kind.DATA, 1, payload)]
    assert ends.sender.backlog == 0


def test_a_frame_is_given_only_when_all_of_it_is_there(ends: Ends) -> None:
    sent, source = socketpair()
    connection = Connection(sent, lambda _: None)
    other, raw = socketpair()
    receiver = Connection(other, lambda _: None)
    connection.send(Kind.DATA, 3, b"abc")
    connection.send(Kind.CREDIT, 4)
    frames: list[Frame] = []
    for byte in source.recv(100):
        assert len(frames) < 2
        raw.send(bytes([byte]))
        frames += receiver.read()
    assert frames == [Frame(Kind.DATA, 3, b"abc"), Frame(Kind.CREDIT, 4, b"")]
    for each in (connection, receiver, source, raw):
        each.close()


def test_a_closed_peer_swallows_frames_and_is_seen_by_reading(ends: Ends) -> None:
    ends.receiver.close()
    for _ in range(3):
        ends.sender.send(Kind.DATA, 0, bytes(10_000))
    assert ends.sender.backlog == 0
    assert ends.sender.read() == []
    assert ends.sender.closed
    ends.sender.send(Kind.DATA, 0, b"")
    assert ends.sender.backlog == 0


def test_what_was_sent_before_the_close_still_arrives(ends: Ends) -> None:
    ends.sender.send(Kind.DATA, 1, b"last words")
    ends.sender.close()
    assert ends.receiver.read() == [Frame(Kind.DATA, 1, b"last words")]
    assert not ends.receiver.closed
    assert ends.receiver.read() == []
    assert ends.receiver.closed


def test_draining_returns_when_the_peer_has_all_but_what_may_wait(ends: Ends) -> None:
    ends.sender.send(Kind.DATA, 1, bytes(1_000_000))
    received: list[Frame] = []

    def receive() -> None:
        while not received:
            received.extend(ends.receiver.read())

    reader = Thread(target=receive)
    reader.start()
    ends.sender.drain(500_000)
    assert ends.sender.backlog <= 500_000
    ends.sender.drain()
    assert ends.sender.backlog == 0
    reader.join()
    assert received == [Frame(Kind.DATA, 1, bytes(1_000_000))]


def test_draining_returns_when_the_peer_has_gone(ends: Ends) -> None:
    ends.sender.send(Kind.DATA, 1, bytes(1_000_000))
    leaver = Thread(target=ends.receiver.close)
    leaver.start()
    ends.sender.drain()
    leaver.join()
    assert ends.sender.backlog == 0


def test_frames_of_several_threads_do_not_mix(ends: Ends) -> None:
    def send(number: int) -> None:
        for _ in range(200):
            ends.sender.send(Kind.DATA, number, bytes([number]) * number * 1000)

    threads = [Thread(target=send, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    frames: list[Frame] = []
    while len(frames) < 800:
        ends.sender.write()
        frames += ends.receiver.read()
    for thread in threads:
        thread.join()
    assert all(frame.payload == bytes([frame.exchange]) * frame.exchange * 1000 for frame in frames)
    assert sorted(frame.exchange for frame in frames) == sorted([1, 2, 3, 4] * 200)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary() | st.just(bytes(70_000)))))
def test_any_frames_arrive_whole_and_in_order(frames: list[tuple[int, int, bytes]]) -> None:
    ends = Ends()
    received: list[Frame] = []
    for frame in frames:
        ends.sender.send(*frame)
        received += ends.receiver.read()
    while len(received) < len(frames):
        ends.sender.write()
        received += ends.receiver.read()
    ends.close()
    assert received == frames
