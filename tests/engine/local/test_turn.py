"""One thread at a time, and every thread in time."""

from __future__ import annotations

import sys
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from stream_engine.local.turn import Seat, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    """Threads are interrupted in as many places as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def enter(turn: Turn, seat: Seat) -> None:
    """As sources do for each record."""
    seat.inside = True
    if turn.holder is not seat:
        turn.take(seat)


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.parametrize("threads", [2, 4])
def test_never_two_threads_are_inside(threads: int) -> None:
    turn = Turn()
    inside: list[int] = []
    broken: list[list[int]] = []
    rounds = [0] * threads

    def work(number: int) -> None:
        seat = Seat()
        for _ in range(3000):
            enter(turn, seat)
            inside.append(number)
            if inside != [number]:
                broken.append(list(inside))
            inside.remove(number)
            turn.leave(seat)
            rounds[number] += 1

    workers = [Thread(target=work, args=(number,), daemon=True) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert rounds == [3000] * threads
    assert broken == []


def test_a_thread_that_asks_waits_until_the_holder_leaves() -> None:
    turn, ours, theirs = Turn(), Seat(), Seat()
    got = Event()

    def ask() -> None:
        turn.take(theirs)
        got.set()
        turn.leave(theirs)

    turn.take(ours)
    other = Thread(target=ask)
    other.start()
    assert not got.wait(0.05)
    turn.leave(ours)
    assert got.wait(5)
    other.join()


def test_the_holder_keeps_the_turn_while_none_asks() -> None:
    turn, seat = Turn(), Seat()
    turn.take(seat)
    turn.leave(seat)
    assert turn.holder is seat
    enter(turn, seat)
    assert seat.inside
    turn.leave(seat)


def test_a_thread_that_works_without_end_still_gives_way() -> None:
    turn, ours = Turn(), Seat()
    stop = Event()

    def work() -> None:
        seat = Seat()
        while not stop.is_set():
            enter(turn, seat)
            turn.leave(seat)

    busy = Thread(target=work, daemon=True)
    busy.start()
    for _ in range(100):
        turn.take(ours)
        turn.leave(ours)
    stop.set()
    busy.join(5)
    assert not busy.is_alive()
