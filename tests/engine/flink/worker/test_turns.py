"""Python sources work in turns: each record counts once after a crash, whatever the source does with its lock."""

from __future__ import annotations

from contextlib import nullcontext
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from fake_flink import FakeCluster
from launched import PATIENCE, Jobs

from stream_engine.api.time import Time, TimeCharacteristic
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.worker.turns import SourceThread
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 20_000


class Counting:
    """Counts to ``size``, as fast as it can, and resumes where a checkpoint found it."""

    size = SIZE

    def __init__(self) -> None:
        self.next = 0

    def run(self, ctx: Any) -> None:
        while self.next < self.size:
            self.step(ctx)

    def step(self, ctx: Any) -> None:
        raise NotImplementedError

    def snapshot_state(self) -> Any:
        return self.next

    def restore_state(self, state: Any) -> None:
        self.next = state


class InLock(Counting):
    def step(self, ctx: Any) -> None:
        with ctx.get_checkpoint_lock():
            ctx.collect(self.next)
            self.next += 1


class CountedFirst(Counting):
    def step(self, ctx: Any) -> None:
        with ctx.get_checkpoint_lock():
            self.next += 1
            ctx.collect(self.next - 1)


class InBursts(Counting):
    def step(self, ctx: Any) -> None:
        lock = ctx.get_checkpoint_lock()
        with lock:
            for number in range(100):
                with lock:
                    ctx.collect(self.next + number)
            self.next += 100


class Unlocked(Counting):
    def step(self, ctx: Any) -> None:
        ctx.collect(self.next)
        self.next += 1


class Changed(Counting):
    """Collects one list again and again."""

    record: list[int]

    def run(self, ctx: Any) -> None:
        self.record = [0]
        super().run(ctx)

    def step(self, ctx: Any) -> None:
        with ctx.get_checkpoint_lock():
            self.record[0] = self.next
            ctx.collect(self.record)
            self.next += 1


class Timed(Counting):
    size = 3_000

    def step(self, ctx: Any) -> None:
        with ctx.get_checkpoint_lock():
            ctx.collect_with_timestamp(self.next, self.next)
            ctx.emit_watermark(self.next)
            self.next += 1


def lines_of(numbers: Any) -> Any:
    return numbers.map(str)


def rebalanced(numbers: Any) -> Any:
    return numbers.rebalance().map(str)


def summed(numbers: Any) -> Any:
    """By one window that ends with the input: the source has its part of that, before the exchange."""
    day = Time.days(1)
    ones = numbers.map(lambda number: ("all", 1)).key_by(lambda pair: pair[0]).time_window(day, day)
    return ones.reduce(lambda one, other: ("all", one[1] + other[1]))


def counted_by_time(numbers: Any) -> Any:
    ones = numbers.map(lambda number: ("all", 1)).key_by(lambda pair: pair[0]).time_window(Time.milliseconds(100))
    return ones.reduce(lambda one, other: ("all", one[1] + other[1]))


EACH = sorted(map(str, range(SIZE)))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("source", "plan", "expected"),
    [
        (InLock, lines_of, EACH),
        (InLock, rebalanced, EACH),
        (InLock, summed, [f"('all', {SIZE})"]),
        (CountedFirst, lines_of, EACH),
        (InBursts, rebalanced, EACH),
        (Unlocked, rebalanced, EACH),
        (Changed, lambda numbers: rebalanced(numbers.map(lambda record: record[0])), EACH),
        (Timed, counted_by_time, ["('all', 100)"] * (Timed.size // 100)),
    ],
)
def test_each_record_of_a_source_with_state_counts_once_after_crashes(
    capfd: pytest.CaptureFixture[str],
    short_turns: None,
    source: type[Counting],
    plan: Callable[[Any], Any],
    expected: list[str],
    seed: int,
) -> None:
    jobs = Jobs(FlinkExecutor(FakeCluster(seed, crashes=6, spell=12)), capfd)
    env = jobs.environment(2, execution__checkpointing__interval="1 s")
    env.set_stream_time_characteristic(
        TimeCharacteristic.EventTime if source is Timed else TimeCharacteristic.ProcessingTime
    )
    plan(env.add_source(source())).output()

    assert jobs.lines(env) == expected


def test_a_source_that_never_frees_its_lock_comes_to_its_end(capfd: pytest.CaptureFixture[str]) -> None:
    class Greedy(InLock):
        def run(self, ctx: Any) -> None:
            with ctx.get_checkpoint_lock():
                super().run(ctx)

    jobs = Jobs(FlinkExecutor(FakeCluster()), capfd)
    env = jobs.environment(execution__checkpointing__interval="1 s")
    rebalanced(env.add_source(Greedy())).output()

    assert jobs.lines(env) == EACH


def test_an_error_of_snapshot_state_is_told_with_its_operator(
    capfd: pytest.CaptureFixture[str], short_turns: None
) -> None:
    class Broken(InLock):
        def snapshot_state(self) -> Any:
            raise ValueError("no state today")

    jobs = Jobs(FlinkExecutor(FakeCluster(1, crashes=6, spell=12)), capfd)
    env = jobs.environment(execution__checkpointing__interval="1 s")
    env.add_source(Broken()).output()

    with pytest.raises(JobExecutionException, match="ValueError: no state today") as caught:
        env.execute()
    assert "while it was asked for its state" in str(caught.value)


# --- the thread ------------------------------------------------------------------------------------------------------


class Function:
    """What a SourceThread has of a source: ``body`` is given ``collect`` and the lock."""

    has_state = True

    def __init__(self, body: Callable[[Callable[[Any], None], Any], object], cancels: bool = False) -> None:
        self.processed: list[Any] = []
        self.cancelled = Event()
        self.cancels = cancels
        self._body = body

    def run(self, guard: Any, lock: Any) -> None:
        self._body(guard(self.processed.append), lock)

    def cancel(self) -> None:
        if self.cancels:
            self.cancelled.set()


def thread_of(function: Function, keeps_state: bool = True) -> SourceThread:
    return SourceThread(function, "source", keeps_state)  # pyright: ignore[reportArgumentType] - all it needs


def test_a_turn_takes_in_what_the_source_collects_until_it_frees_its_lock() -> None:
    begun, released = Event(), Event()

    def body(collect: Any, lock: Any) -> None:
        with lock:
            collect(1)
            begun.set()
            assert released.wait(PATIENCE)
            collect(2)
        collect(3)

    function = Function(body)
    thread = thread_of(function)
    while not begun.is_set():
        thread.let(0.001)
    assert not thread.settle(0.001)
    released.set()
    while not thread.settle(0.001):
        pass
    thread.rest()

    assert function.processed == [1, 2]
    thread.let(None)
    assert function.processed == [1, 2, 3]


def test_between_turns_the_source_does_not_get_its_lock() -> None:
    state, asked = [0], Event()

    def body(collect: Any, lock: Any) -> None:
        with lock:
            collect(1)
        asked.set()
        with lock:
            state[0] += 1
            collect(2)

    function = Function(body)
    thread = thread_of(function)
    while not asked.is_set():
        thread.let(0.001)
        assert thread.settle(PATIENCE)
    while not (thread._waiting or thread.done):
        asked.wait(0.001)
    thread.rest()

    assert (state[0], function.processed) in ((0, [1]), (1, [1, 2]))
    thread.let(None)


def test_a_source_without_the_lock_is_at_rest_when_it_is_about_to_collect() -> None:
    counted, released = [0], Event()

    def body(collect: Any, lock: Any) -> None:
        collect(1)
        assert released.wait(PATIENCE)
        counted[0] += 1
        collect(2)

    function = Function(body)
    thread = thread_of(function)
    while not function.processed:
        thread.let(0.001)
    helper = Thread(target=released.set)
    helper.start()
    thread.rest()
    helper.join()

    assert (counted, function.processed) == ([1], [1])
    thread.let(None)


@pytest.mark.parametrize("locks", [True, False])
def test_a_cancelled_source_that_cannot_be_asked_to_return_ends_with_its_next_record(locks: bool) -> None:
    def body(collect: Any, lock: Any) -> None:
        while True:
            with lock if locks else nullcontext():
                collect(1)

    function = Function(body)
    thread = thread_of(function)
    thread.let(0.001)
    thread.cancel(PATIENCE)

    assert thread.done
    assert thread.error is None


def test_a_cancelled_source_that_takes_its_lock_and_has_no_record_ends_as_well() -> None:
    def body(collect: Any, lock: Any) -> None:
        while True:
            with lock:
                pass

    thread = thread_of(Function(body))
    thread.let(0.001)
    thread.cancel(PATIENCE)

    assert thread.done


def test_a_cancelled_source_that_is_asked_to_return_comes_to_its_own_end() -> None:
    ended = Event()

    def body(collect: Any, lock: Any) -> None:
        while not function.cancelled.is_set():
            with lock:
                collect(1)
        ended.set()

    function = Function(body, cancels=True)
    thread = thread_of(function)
    thread.let(0.001)
    collected = len(function.processed)
    thread.cancel(PATIENCE)

    assert ended.is_set()
    assert len(function.processed) == collected


def test_a_source_that_does_not_return_when_it_is_asked_to_ends_with_its_next_record() -> None:
    ended = Event()

    def body(collect: Any, lock: Any) -> None:
        try:
            while True:
                collect(1)
        finally:
            ended.set()

    thread = thread_of(Function(body, cancels=True))
    thread.let(0.001)
    thread.cancel(0)

    assert ended.wait(PATIENCE)
