"""One thread at a time, and every thread in time."""

from __future__ import annotations

from threading import Event, Thread
from typing import NoReturn

import pytest
from launched import PATIENCE

from stream_engine.local.worker.biased_lock import BiasedLock, Claim


def enter(turn: BiasedLock, seat: Claim) -> None:
    """As sources do for each record."""
    seat.inside = True
    if turn.holder is not seat:
        turn.take(seat)


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.parametrize("threads", [2, 4])
def test_never_two_threads_are_inside(threads: int) -> None:
    turn = BiasedLock()
    inside: list[int] = []
    broken: list[list[int]] = []
    rounds = [0] * threads

    def work(number: int) -> None:
        seat = Claim()
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
        worker.join(PATIENCE)
    assert rounds == [3000] * threads
    assert broken == []


def test_a_thread_that_asks_waits_until_the_holder_leaves() -> None:
    turn, ours, theirs = BiasedLock(), Claim(), Claim()
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
    assert got.wait(PATIENCE)
    other.join()


def test_the_holder_keeps_the_turn_while_none_asks() -> None:
    turn, seat = BiasedLock(), Claim()
    turn.take(seat)
    turn.leave(seat)
    assert turn.holder is seat
    enter(turn, seat)
    assert seat.inside
    turn.leave(seat)


def test_a_thread_that_works_without_end_still_gives_way() -> None:
    turn, ours = BiasedLock(), Claim()
    stop = Event()

    def work() -> None:
        seat = Claim()
        while not stop.is_set():
            enter(turn, seat)
            turn.leave(seat)

    busy = Thread(target=work, daemon=True)
    busy.start()
    for _ in range(100):
        turn.take(ours)
        turn.leave(ours)
    stop.set()
    busy.join(PATIENCE)
    assert not busy.is_alive()


class GivenUp(Exception):
    """Raised by a wait that has taken long enough."""


def give_up() -> NoReturn:
    raise GivenUp


def test_a_wait_that_is_given_up_leaves_the_turn_to_its_holder() -> None:
    turn, busy, loop = BiasedLock(), Claim(), Claim()
    turn.take(busy)
    with pytest.raises(GivenUp):
        turn.take(loop, give_up)
    assert (turn.holder, busy.inside, loop.inside) == (busy, True, False)
    turn.leave(busy)
    turn.take(loop, give_up)
    assert turn.holder is loop


@pytest.mark.parametrize("crowded", [False, True], ids=["alone", "behind another"])
def test_the_end_frees_all_but_the_thread_that_is_in_a_record(crowded: bool) -> None:
    turn, busy, loop = BiasedLock(), Claim(), Claim()
    turn.take(busy)
    waiting = [Thread(target=turn.take, args=(Claim(),), daemon=True) for _ in range(2 * crowded)]
    for thread in waiting:
        thread.start()
    while crowded and turn.holder is busy:
        pass
    with pytest.raises(GivenUp):
        turn.take(loop, give_up)

    left = turn.end(loop)
    assert left is busy
    for thread in waiting:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert not busy.gone.is_set()
    turn.leave(busy)
    assert busy.gone.is_set()


def test_the_end_says_that_nobody_is_in_a_record() -> None:
    turn, source, loop = BiasedLock(), Claim(), Claim()
    turn.take(source)
    turn.leave(source)
    turn.take(loop)
    assert turn.end(loop) is None
    turn.take(source)
    assert turn.holder not in (source, loop)


def test_a_holder_that_has_left_is_gone_at_the_end() -> None:
    turn, source, loop = BiasedLock(), Claim(), Claim()
    turn.take(source)
    turn.leave(source)
    assert turn.end(loop) is source
    assert source.gone.is_set()
