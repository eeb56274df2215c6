"""Jobs that take checkpoints as often as they can, and functions that fail once there is one."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from launched import Jobs

    from stream_engine.api.environment import PythonStreamExecutionEnvironment
    from stream_engine.job import JobExecutionResult


class Job:
    """An environment whose jobs take checkpoints, and are restarted at once; three times at most."""

    def __init__(self, jobs: Jobs, directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.checkpoints = directory / "checkpoints"
        self.output = directory / "output"
        self.marker = directory / "failed"
        self._jobs = jobs
        self._capture = capfd

    def environment(self, parallelism: int = 1, **options: object) -> PythonStreamExecutionEnvironment:
        merged: dict[str, object] = {
            "execution__checkpointing__interval": 5,
            "state__checkpoints__dir": str(self.checkpoints),
            "restart_strategy": "fixed-delay",
            "restart_strategy__fixed_delay__attempts": 3,
            "restart_strategy__fixed_delay__delay": 0,
            **options,
        }
        return self._jobs.environment(parallelism, **merged)

    def run(self, env: PythonStreamExecutionEnvironment) -> list[str]:
        """The lines on standard error."""
        return self.result(env)[0]

    def result(self, env: PythonStreamExecutionEnvironment) -> tuple[list[str], JobExecutionResult]:
        self._capture.readouterr()
        result = env.execute()
        return self.errors, result

    @property
    def errors(self) -> list[str]:
        """The lines on standard error since the last look."""
        return self._capture.readouterr().err.splitlines()

    def once(
        self, at: int = 50, act: Callable[[], Any] | None = None, newer_than: int = 0, pause: float = 0.001
    ) -> Once:
        return Once(self, at, act, newer_than, pause)


class Unhurried:
    """The pace of a function that waits for checkpoints, which need it to return: ``pause`` takes longer each time.

    A few dozen records last for minutes, so that no input ends before what is waited for, however slow the machine is:
    unless no pause is to take more than ``most`` seconds.
    """

    def __init__(self, seconds: float = 0.01, most: float = 5.0) -> None:
        self._seconds = seconds
        self._most = most

    def pause(self) -> None:
        time.sleep(self._seconds)
        self._seconds = min(1.15 * self._seconds, self._most)


class Once:
    """A map that fails once, at record ``at`` or soon after: when there is a checkpoint ``newer_than`` that number.

    ``act`` is called instead of raising a ValueError. Until ``at`` it takes a ``pause`` for each record, and then it is
    in no hurry.
    """

    def __init__(self, job: Job, at: int, act: Callable[[], Any] | None, newer_than: int, pause: float) -> None:
        self._unhurried = Unhurried()
        self._checkpoints = str(job.checkpoints)
        self._marker = str(job.marker)
        self._at = at
        self._act = act
        self._newer_than = newer_than
        self._pause = pause

    def map(self, value: Any) -> Any:
        if os.path.exists(self._marker):
            return value
        if value < self._at:
            time.sleep(self._pause)
            return value
        self._unhurried.pause()
        if newest(self._checkpoints) > self._newer_than and first(self._marker):
            if self._act is None:
                raise ValueError("once")
            self._act()
        return value


def newest(checkpoints: str) -> int:
    """The number of the newest complete checkpoint; 0 when there is none."""
    complete = Path(checkpoints).glob("*/chk-*/_metadata")
    return max((int(metadata.parent.name[4:]) for metadata in complete), default=0)


def first(marker: str) -> bool:
    """Whether nobody has asked this of ``marker`` before."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
