"""Plans made at random give what they mean though they fail, again and again, anywhere."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import record_functions as functions
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import Oracle
from random_plans import Planner, pairs, steps
from recoverable import lines_of
from test_random_plans import PARTS, PLANS, backends

from stream_engine.api.files import WriteMode
from stream_engine.api.functions import ParallelSourceFunction, SourceFunction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from launched import Jobs


class Pushed(SourceFunction):
    """Collects one list again and again, and resumes where it was."""

    def __init__(self, content: list[tuple[int, int]]) -> None:
        self._content = content
        self._next = 0

    def run(self, ctx: Any) -> None:
        # The oracle has none.
        lock = ctx.get_checkpoint_lock() if self._locks() and hasattr(ctx, "get_checkpoint_lock") else nullcontext()
        row = [0, 0]
        while self._next < len(self._content):
            with lock:
                row[:] = self._content[self._next]
                ctx.collect(row)
                self._next += 1

    def _locks(self) -> bool:
        return len(self._content) % 2 == 0

    def cancel(self) -> None:
        """It ends by itself."""

    def snapshot_state(self) -> int:
        return self._next

    def restore_state(self, state: int) -> None:
        self._next = state


class PushedByAll(Pushed, ParallelSourceFunction):
    """The same in each instance."""


class Stumbling:
    """A map that is slow, and now and then raises or kills its process: ``most`` times, once ``directory`` is there."""

    def __init__(self, directory: Path, most: int) -> None:
        self._directory = str(directory)
        self._most = most

    def map(self, value: Any) -> Any:
        if os.path.isdir(self._directory):
            time.sleep(0.001)
            if random.random() < 0.1 and len(os.listdir(self._directory)) < self._most:
                os.mkdir(os.path.join(self._directory, str(time.time_ns())))
                if random.random() < 0.5:
                    os.kill(os.getpid(), signal.SIGKILL)
                raise ValueError("stumbled")
        return value


class RecoverablePlanner(Planner):
    """Makes plans whose sources can be read again from anywhere, and whose sinks can be cut back."""

    def __init__(self, env: Any, oracle: Oracle, directory: Path, failures: Path) -> None:
        super().__init__(env, oracle)
        self._stumbling = Stumbling(failures, most=5)
        self._directory = directory

    def source(self, kind: str, content: Any) -> None:
        if kind.startswith("pushed"):
            stream = self._env.add_source((Pushed if kind == "pushed" else PushedByAll)(content))
            self.streams.append(self._added(stream))
        else:
            super().source(kind, content)
        self.streams[-1] = self._added(self.streams[-1].map(self._stumbling))

    def finish(self, outputs: list[int]) -> None:
        for position in {*(each % len(self.streams) for each in outputs), len(self.streams) - 1}:
            path = str(self._directory / str(position))
            self.streams[position].map(functions.to_tuple).write_as_text(path, WriteMode.OVERWRITE)
        self.oracle.extend()


sources = st.one_of(
    st.tuples(st.sampled_from(["lists", "pushed"]), pairs),
    st.tuples(st.just("lists"), pairs.map(lambda drawn: sorted(drawn, key=lambda pair: pair[1]))),
    st.tuples(st.just("sequence"), st.integers(1, 40)),
    st.tuples(st.just("pushed by all"), pairs.map(lambda drawn: drawn[:12])),
)


# They replace those of the profile.
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def failing(examples: int, **options: Any) -> Callable[[Any], Any]:
    """Draws plans that are run with the ``options`` given, strategies for some of them."""
    drawn = given(
        made=st.lists(sources, min_size=1, max_size=2),
        wanted=steps,
        outputs=st.lists(st.integers(0, 9), max_size=3),
        parallelism=st.sampled_from([1, 1, 2, 2, 2, 3, 4]),
        execution__buffer_timeout=st.sampled_from(["100 ms", "0 ms"]),
        execution__checkpointing__interval=st.sampled_from([1, 5, 20]),
        **options,
    )
    limits = settings(max_examples=examples, suppress_health_check=CHECKS, phases=[Phase.generate])
    return lambda test: limits(drawn(test))


@pytest.mark.long
@pytest.mark.timeout(3600)
@failing(150, state__backend=backends, execution__checkpointing__incremental=st.booleans())
def test_a_plan_that_fails_gives_what_it_means(
    jobs: Jobs, tmp_path_factory: pytest.TempPathFactory, **drawn: Any
) -> None:
    check_plan_that_fails(jobs, tmp_path_factory.mktemp("plan"), **drawn)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
@failing(PLANS // 2 // PARTS, state__backend=st.just("rocksdb"), execution__checkpointing__incremental=st.just(True))
def test_a_plan_that_fails_with_its_state_on_disk_gives_what_it_means(
    jobs: Jobs, tmp_path_factory: pytest.TempPathFactory, part: int, **drawn: Any
) -> None:
    """With incremental checkpoints."""
    pytest.importorskip("rocksdict")
    check_plan_that_fails(jobs, tmp_path_factory.mktemp("plan"), **drawn)


def check_plan_that_fails(
    jobs: Jobs,
    directory: Path,
    made: list[Any],
    wanted: list[Any],
    outputs: list[int],
    parallelism: int,
    **options: Any,
) -> None:
    env = jobs.environment(
        parallelism,
        pipeline__auto_watermark_interval="1 ms",
        state__checkpoints__dir=str(directory / "checkpoints"),
        restart_strategy="fixed-delay",
        restart_strategy__fixed_delay__attempts=1000,
        restart_strategy__fixed_delay__delay=0,
        **options,
    )
    failures = directory / "failures"
    planner = RecoverablePlanner(env, Oracle(env.graph, parallelism, functions.ORDERLESS), directory, failures)
    for source in made:
        planner.source(*source)
    for step in wanted:
        planner.step(*step)
    planner.finish(outputs)
    failures.mkdir()

    result = env.execute()

    for path, elements in planner.oracle.files.items():
        assert Counter(lines_of(path)) == Counter(element.record for element in elements)
    assert result.get_accumulator_result("numLateRecordsDropped") == planner.oracle.late_records
    assert list((directory / "checkpoints").iterdir()) == []
