"""Plans of many tasks in a row, which count the calls of the engine's functions while they run."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

from stream_engine.api.functions import RichMapFunction

if TYPE_CHECKING:
    from types import FrameType

    from launched import Jobs


class CallsUntilClosed(RichMapFunction):
    """Counts the calls in the thread that has called ``map`` first, until the source has ended, and prints them."""

    def open(self, config: Any) -> None:
        self.calls = -1

    def map(self, value: int) -> int:
        if self.calls < 0:
            self.calls = 0
            self.start()
        return value

    def start(self) -> None:
        sys.setprofile(self._count)

    def _count(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and "stream_engine" in frame.f_code.co_filename:
            self.calls += 1

    def tell(self) -> None:
        sys.setprofile(None)
        print(max(0, self.calls))

    def close(self) -> None:
        self.tell()


class CallsOfWorker(CallsUntilClosed):
    """As CallsUntilClosed, to the end of the worker."""

    def start(self) -> None:
        atexit.register(self.tell)
        super().start()

    def close(self) -> None: ...


def calls_of_passing(jobs: Jobs, tasks: int) -> int:
    """The calls in two workers while four records go through ``tasks`` exchanges in a row."""
    env = jobs.environment(2)
    stream = env.generate_sequence(1, 4).map(CallsOfWorker())
    for shift in range(tasks):
        stream = stream.key_by(lambda value, shift=shift % 3: value >> shift & 1).map(lambda value: value)
    stream.add_sink(lambda value: None)
    return sum(map(int, jobs.lines(env)))


def calls_of_dropping(jobs: Jobs, tasks: int) -> int:
    """The calls while 300 records are dropped ahead of ``tasks`` exchanges in a row."""
    env = jobs.environment(1)
    stream = env.generate_sequence(1, 300).map(CallsUntilClosed()).filter(lambda value: False)
    for _ in range(tasks):
        stream = stream.rebalance().map(lambda value: value)
    stream.add_sink(lambda value: None)
    return sum(map(int, jobs.lines(env)))
