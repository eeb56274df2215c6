"""A source is asked for its state only when it has counted all that it has collected, and nothing more."""

from __future__ import annotations

from threading import Event, Semaphore, Thread
from typing import TYPE_CHECKING, Any

import pytest
from launched import PATIENCE

from stream_engine.local.worker.biased_lock import BiasedLock, Claim
from stream_engine.task.safepoint import SafePoint

if TYPE_CHECKING:
    from collections.abc import Callable


class Worker:
    """As a worker does it: the source's thread and this one share a lock; who takes it serves requests first."""

    def __init__(self) -> None:
        self.lock = BiasedLock()
        self.claim, self.source_claim = Claim(), Claim()
        self.safe_point = SafePoint(self._locked)
        self.collected = 0
        self.counted = 0
        self.snapshots: list[tuple[int, int]] = []
        self.taken = Semaphore(0)

    def _locked(self, action: Callable[[], None]) -> None:
        self.lock.take(self.source_claim)
        action()
        self.lock.leave(self.source_claim)

    def collect(self) -> None:
        self.source_claim.inside = True
        if self.source_claim.away:
            self.lock.take(self.source_claim)
            self.safe_point.serve()
        self.collected += 1
        self.lock.leave(self.source_claim)

    def take_snapshot(self) -> None:
        self.snapshots.append((self.collected, self.counted))
        self.taken.release()

    def request(self) -> None:
        self.lock.take(self.claim)
        self.safe_point.request(self.take_snapshot)
        self.lock.leave(self.claim)


def count_after(worker: Worker) -> None:
    worker.collect()
    worker.counted += 1


def count_in_lock(worker: Worker) -> None:
    with worker.safe_point:
        worker.counted += 1
        worker.collect()


def count_in_two_locks(worker: Worker) -> None:
    with worker.safe_point, worker.safe_point:
        worker.collect()
        worker.counted += 1


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.parametrize("step", [count_after, count_in_lock, count_in_two_locks])
def test_a_snapshot_always_has_what_was_collected(step: Callable[[Worker], None]) -> None:
    worker = Worker()
    stop = Event()

    def run() -> None:
        while not stop.is_set():
            step(worker)

    source = Thread(target=run, daemon=True)
    source.start()
    wanted = 300
    for _ in range(wanted):
        worker.request()
        assert worker.taken.acquire(timeout=PATIENCE)
    stop.set()
    source.join(PATIENCE)
    assert len(worker.snapshots) == wanted
    assert all(collected == counted for collected, counted in worker.snapshots)


def in_source(action: Callable[[], Any]) -> None:
    thread = Thread(target=action, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_without_the_lock_it_waits_for_the_next_record() -> None:
    worker = Worker()
    in_source(worker.collect)
    worker.request()
    assert worker.snapshots == []
    worker.counted = 1
    in_source(worker.collect)
    assert worker.snapshots == [(1, 1)]


def test_a_source_that_uses_the_lock_and_has_no_records_keeps_nobody_waiting() -> None:
    worker = Worker()
    in_source(lambda: count_in_lock(worker))
    worker.request()
    assert worker.snapshots == [(1, 1)]


def test_a_source_in_the_midst_of_the_lock_is_asked_when_it_frees_it() -> None:
    worker = Worker()

    def hold() -> None:
        with worker.safe_point:
            worker.collect()
            in_source(worker.request)
            assert worker.snapshots == []
            worker.counted += 1

    in_source(hold)
    assert worker.snapshots == [(1, 1)]


def test_what_still_waits_is_served_at_the_sources_end() -> None:
    worker = Worker()
    in_source(lambda: count_after(worker))
    worker.request()
    worker.safe_point.serve()
    assert worker.snapshots == [(1, 1)]
