"""One thread at a time, and every thread in time."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any, NoReturn

import pytest
from launched import PATIENCE

from stream_engine.local.worker.biased_lock import BiasedLock, Claim


def enter(lock: BiasedLock, claim: Claim) -> None:
    """As sources do for each record."""
    claim.inside = True
    if claim.away:
        lock.take(claim)


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.parametrize("threads", [2, 4])
def test_never_two_threads_are_inside(threads: int) -> None:
    lock = BiasedLock()
    inside: list[int] = []
    broken: list[list[int]] = []
    rounds = [0] * threads

    def work(number: int) -> None:
        claim = Claim()
        for _ in range(3000):
            enter(lock, claim)
            inside.append(number)
            if inside != [number]:
                broken.append(list(inside))
            inside.remove(number)
            lock.leave(claim)
            rounds[number] += 1

    workers = [Thread(target=work, args=(number,), daemon=True) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert rounds == [3000] * threads
    assert broken == []


def test_a_thread_that_asks_waits_until_the_holder_leaves() -> None:
    lock, ours, theirs = BiasedLock(), Claim(), Claim()
    got = Event()

    def ask() -> None:
        lock.take(theirs)
        got.set()
        lock.leave(theirs)

    lock.take(ours)
    other = Thread(target=ask)
    other.start()
    assert not got.wait(0.05)
    lock.leave(ours)
    assert got.wait(PATIENCE)
    other.join()


def test_the_holder_keeps_the_turn_while_none_asks() -> None:
    lock, claim = BiasedLock(), Claim()
    lock.take(claim)
    lock.leave(claim)
    assert lock.holder is claim
    enter(lock, claim)
    assert claim.inside
    lock.leave(claim)


def test_only_the_holder_is_not_away() -> None:
    lock, claim, other = BiasedLock(), Claim(), Claim()
    assert (claim.away, other.away) == (True, True)
    for taker, waiter in ((claim, other), (other, claim)):
        lock.take(taker)
        lock.leave(taker)
        assert (taker.away, waiter.away) == (False, True)
    lock.give_up(other)
    assert (claim.away, other.away) == (True, True)


def test_the_flags_can_be_variables_of_a_function() -> None:
    def make() -> Any:
        inside, away = False, False

        def enter() -> bool:
            nonlocal inside
            inside = True
            return away

        return enter

    lock, claim = BiasedLock(), Claim()
    entered = claim.share(make())
    assert (entered(), claim.inside) == (True, True)
    lock.take(claim)
    assert not entered()
    lock.take(Claim(), lambda: lock.leave(claim))
    assert entered()


def test_a_thread_that_works_without_end_still_gives_way() -> None:
    lock, ours = BiasedLock(), Claim()
    stop = Event()

    def work() -> None:
        claim = Claim()
        while not stop.is_set():
            enter(lock, claim)
            lock.leave(claim)

    busy = Thread(target=work, daemon=True)
    busy.start()
    for _ in range(100):
        lock.take(ours)
        lock.leave(ours)
    stop.set()
    busy.join(PATIENCE)
    assert not busy.is_alive()


class GivenUp(Exception):
    """Raised by a wait that has taken long enough."""


def give_up() -> NoReturn:
    raise GivenUp


def test_a_wait_that_is_given_up_leaves_the_turn_to_its_holder() -> None:
    lock, busy, loop = BiasedLock(), Claim(), Claim()
    lock.take(busy)
    with pytest.raises(GivenUp):
        lock.take(loop, give_up)
    assert (lock.holder, busy.inside, loop.inside) == (busy, True, False)
    lock.leave(busy)
    lock.take(loop, give_up)
    assert lock.holder is loop


@pytest.mark.parametrize("crowded", [False, True], ids=["alone", "behind another"])
def test_the_end_frees_all_but_the_thread_that_is_in_a_record(crowded: bool) -> None:
    lock, busy, loop = BiasedLock(), Claim(), Claim()
    lock.take(busy)
    waiting = [Thread(target=lock.take, args=(Claim(),), daemon=True) for _ in range(2 * crowded)]
    for thread in waiting:
        thread.start()
    while crowded and lock.holder is busy:
        pass
    with pytest.raises(GivenUp):
        lock.take(loop, give_up)

    left = lock.end(loop)
    assert left is busy
    for thread in waiting:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert not busy.gone.is_set()
    lock.leave(busy)
    assert busy.gone.is_set()


def test_the_end_says_that_nobody_is_in_a_record() -> None:
    lock, source, loop = BiasedLock(), Claim(), Claim()
    lock.take(source)
    lock.leave(source)
    lock.take(loop)
    assert lock.end(loop) is None
    lock.take(source)
    assert lock.holder not in (source, loop)


def test_a_holder_that_has_left_is_gone_at_the_end() -> None:
    lock, source, loop = BiasedLock(), Claim(), Claim()
    lock.take(source)
    lock.leave(source)
    assert lock.end(loop) is source
    assert source.gone.is_set()
