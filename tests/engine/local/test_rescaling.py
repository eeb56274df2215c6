"""Jobs that are resumed again and again at other parallelisms lose nothing and repeat nothing."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import recoverable
from checkpointed import newest
from launched import Jobs
from recoverable import JOBS, RECORDS, lines_of, slow

from stream_engine.api.files import WriteMode
from stream_engine.api.functions import RichParallelSourceFunction
from stream_engine.job import JobExecutionException
from stream_engine.local.executor import LocalExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stream_engine.api.environment import PythonStreamExecutionEnvironment as Environment
    from stream_engine.local.forkserver.client import ForkServer


pytestmark = pytest.mark.usefixtures("sent")


class Killing:
    """A slow map that kills its process once it was called often, as soon as there are some checkpoints."""

    def __init__(self, checkpoints: Path) -> None:
        self._checkpoints = str(checkpoints)
        self._calls = 0
        self._pause = 0.02

    def __call__(self, number: int) -> int:
        self._calls += 1
        if self._calls > 40:
            if newest(self._checkpoints) >= 2:
                os.kill(os.getpid(), signal.SIGKILL)
            # Not for the checkpoint itself, which needs this function to return. Ever longer, so that no input ends
            # before there are some, however slow the machine is.
            time.sleep(self._pause)
            self._pause = min(1.02 * self._pause, 0.5)
        return slow(number)


class Chain:
    """Runs one script again and again, each run on from where the one before was killed."""

    def __init__(
        self, server: ForkServer, directory: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.output = directory / "output"
        self._monkeypatch = monkeypatch
        self._server = server
        self._directory = directory
        self._capture = capfd

    def run(self, job: Callable[..., list[Any]], widths: list[int]) -> list[Any]:
        """What the job is to write, once it has come to its end."""
        origin, expected = "", []
        for run, width in enumerate(widths):
            checkpoints = self._directory / f"checkpoints {run}"
            options: dict[str, Any] = {"execution__savepoint__path": origin} if origin else {}
            env = Jobs(LocalExecutor(self._server), self._capture).environment(
                width,
                execution__checkpointing__interval=5,
                state__checkpoints__dir=str(checkpoints),
                restart_strategy="none",
                **options,
            )
            last = run == len(widths) - 1
            self._monkeypatch.setattr(recoverable, "slow", slow if last else Killing(checkpoints))
            expected = job(env, str(self.output))
            if last:
                env.execute()
            else:
                with pytest.raises(JobExecutionException, match="SIGKILL"):
                    env.execute()
                (origin,) = map(str, checkpoints.iterdir())
        return expected


@pytest.fixture
def chain(
    server: ForkServer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    jobs: Jobs,  # Sends the functions of this file as they are.
) -> Chain:
    return Chain(server, tmp_path, capfd, monkeypatch)


def texts(env: Environment, output: str) -> list[Any]:
    """A text file, of which each subtask reads a part."""
    source = f"{output}.txt"
    if not os.path.exists(source):
        with open(source, "w") as file:
            file.writelines(f"{number}\n" for number in range(RECORDS))
    env.read_text_file(source).map(recoverable.slow).map(int).write_as_text(output)
    return list(range(RECORDS))


def collection(env: Environment, output: str) -> list[Any]:
    env.from_elements(*range(RECORDS)).map(recoverable.slow).rebalance().map(lambda n: n + 1).write_as_text(output)
    return [number + 1 for number in range(RECORDS)]


class Shared(RichParallelSourceFunction):
    """A source whose instances have numbers to collect, which other instances can take over."""

    _left: list[int] | None = None

    def run(self, ctx: Any) -> None:
        if self._left is None:
            self._left = list(range(RECORDS)) if self.getRuntimeContext().getIndexOfThisSubtask() == 0 else []
        while self._left:
            with ctx.get_checkpoint_lock():
                ctx.collect(self._left[-1])
                self._left.pop()

    def cancel(self) -> None:
        self._left = []

    def snapshot_state(self) -> list[int]:
        return list(self._left or ())

    def restore_state(self, state: list[int]) -> None:
        self._left = state


def shared_source(env: Environment, output: str) -> list[Any]:
    env.add_source(Shared()).map(recoverable.slow).write_as_text(output, WriteMode.OVERWRITE)
    return list(range(RECORDS))


CHAINS = [[3, 2, 3], [1, 3, 1], [2, 1, 2, 1], [4, 1, 3, 4]]


@pytest.mark.parametrize("widths", CHAINS, ids=str)
def test_a_chain_of_resumes_loses_and_repeats_no_line(chain: Chain, widths: list[int]) -> None:
    expected = chain.run(texts, widths)
    assert Counter(lines_of(chain.output)) == Counter(map(str, expected))


@pytest.mark.parametrize(
    ("job", "widths"), [(job, CHAINS[i % len(CHAINS)]) for i, job in enumerate([*JOBS, shared_source, collection])]
)
def test_every_kind_of_job_can_be_resumed_at_changing_parallelism(
    chain: Chain, job: Callable[..., list[Any]], widths: list[int]
) -> None:
    expected = chain.run(job, widths)
    assert Counter(lines_of(chain.output)) == Counter(map(str, expected))
