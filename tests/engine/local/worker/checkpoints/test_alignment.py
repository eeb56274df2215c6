"""What a checkpoint counts, and what not: barriers divide the two, on every path of records."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from recoverable import lines_of

from stream_engine.api.files import WriteMode

if TYPE_CHECKING:
    from checkpointed import Job


@pytest.mark.parametrize(
    ("width", "narrow"),
    [
        pytest.param(2, 2, id="those whose receiver is in the same worker wait"),
        pytest.param(3, 1, id="what comes from those that have none has to wait"),
    ],
)
def test_what_comes_after_a_barrier_is_not_counted_while_others_are_late(job: Job, width: int, narrow: int) -> None:
    env = job.environment(width)
    numbers = [number for number in range(1, 2001) if number % width != 0 or number < 20 * width]
    source = env.generate_sequence(1, 2000).filter(lambda number: number % width != 0 or number < 20 * width)

    def late(number: int) -> int:
        time.sleep(0.0002 if number % width else 0.05)
        return number

    pairs = source.map(late).map(job.once(at=900, pause=0)).map(lambda number: (number % 3, 1))
    counts = pairs.key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1])).set_parallelism(narrow)
    counts.write_as_text(str(job.output), WriteMode.OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    totals = Counter(number % 3 for number in numbers)
    expected = [str((key, count)) for key, total in totals.items() for count in range(1, total + 1)]
    assert Counter(lines_of(job.output)) == Counter(expected)


@pytest.mark.parametrize("parallelism", [1, 2])
def test_what_goes_round_in_a_loop_is_part_of_a_checkpoint(job: Job, parallelism: int) -> None:
    turns = 200
    env = job.environment(parallelism)
    iteration = env.generate_sequence(1, 5).map(lambda number: (number, 0)).iterate()
    once = job.once(at=50)
    body = iteration.map(lambda pair: (pair[0], once.map(pair[1]) + 1))
    iteration.close_with(body.filter(lambda pair: pair[1] < turns).rebalance())
    body.write_as_text(str(job.output), WriteMode.OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    expected = [str((number, turn)) for number in range(1, 6) for turn in range(1, turns + 1)]
    assert Counter(lines_of(job.output)) == Counter(expected)


def test_what_comes_back_after_its_barrier_waits_for_those_of_the_input(job: Job) -> None:
    """In a loop whose input is late in one worker, while that gets much from the other one."""

    def late(number: int) -> int:
        time.sleep(0.01 if number % 2 else 0.0005)
        return number

    def wanted(number: int) -> bool:
        return number % 2 == 0 or number < 200

    env = job.environment(2, execution__buffer_timeout=0)
    iteration = env.generate_sequence(1, 2000).filter(wanted).map(late).map(lambda number: (number, 0)).iterate()
    once = job.once(at=600, newer_than=1, pause=0)
    body = iteration.map(lambda pair: (once.map(pair[0]), pair[1] + 1))
    iteration.close_with(body.filter(lambda pair: pair[1] < 3).rebalance())
    body.write_as_text(str(job.output), WriteMode.OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    expected = [str((number, turn)) for number in filter(wanted, range(1, 2001)) for turn in (1, 2, 3)]
    assert Counter(lines_of(job.output)) == Counter(expected)


class Dawdling:
    """A source that counts what it has collected some time later."""

    def __init__(self) -> None:
        self._next = 0

    def run(self, ctx: Any) -> None:
        while self._next < 100:
            ctx.collect(self._next)
            time.sleep(0.005)
            self._next += 1

    def cancel(self) -> None:
        """It ends by itself."""

    def snapshot_state(self) -> int:
        return self._next

    def restore_state(self, state: int) -> None:
        self._next = state


def test_a_source_is_asked_for_its_state_when_that_says_what_it_has_collected(job: Job) -> None:
    env = job.environment(execution__checkpointing__interval=1)
    env.add_source(Dawdling()).map(job.once(at=20, newer_than=3)).write_as_text(str(job.output), WriteMode.OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    assert lines_of(job.output) == [str(number) for number in range(100)]


def test_a_checkpoint_does_not_wait_for_one_who_waits_for_it(job: Job) -> None:
    """One that sends much after its barrier to a receiver which has still to get the barrier of its neighbour."""

    def explode(number: int, out: Any) -> None:
        for index in range(2000):
            out.collect((number, index))

    def slow(pair: Any) -> Any:
        if pair[1] % 100 == 0:
            time.sleep(0.001)
        return pair

    env = job.environment(2, execution__checkpointing__interval=10)
    many = env.generate_sequence(1, 40).flat_map(explode)
    few = env.generate_sequence(-500, -1).set_parallelism(1).rebalance().map(lambda number: (number, 0))
    received = many.union(few).rebalance().map(slow).set_parallelism(1)
    received.write_as_text(str(job.output), WriteMode.OVERWRITE)
    assert job.run(env) == []
    lines = lines_of(job.output)
    assert len(lines) == len(set(lines)) == 40 * 2000 + 500
