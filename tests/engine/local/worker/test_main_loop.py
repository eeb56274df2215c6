"""The order in which a worker does what there is to do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.graph.job_graph import JobGraph
from stream_engine.local.worker.main_loop import MainLoop
from stream_engine.task.failure import Cancelled
from stream_engine.task.loops import LoopMonitors

if TYPE_CHECKING:
    from collections.abc import Callable


class Switchboard:
    """Has nothing but what ``arrivals`` do, one at each poll; then the job is over."""

    def __init__(self) -> None:
        self.control = SimpleNamespace(closed=False)
        self.frames = 0
        self.arrivals: list[Callable[[], None]] = []
        self.timeouts: list[float | None] = []

    def poll(self, timeout: float | None) -> None:
        self.timeouts.append(timeout)
        if not self.arrivals:
            self.control.closed = True
            return
        arrival = self.arrivals.pop(0)
        if arrival is not nothing:
            self.frames += 1
        arrival()

    def select(self, timeout: float | None) -> list[Any]:
        return []

    def wake(self) -> None: ...

    def look(self) -> list[Any]:
        return []


def nothing() -> None: ...


class Unused:
    def send(self, kind: int, exchange: int, payload: bytes) -> None: ...


class Subtask:
    """Works once for each time it was added, and tells ``log``."""

    finished = paused = False

    def __init__(self, main: MainLoop, log: list[str], task: int = 1) -> None:
        self.task, self.index = SimpleNamespace(id=task), 0
        self._main: Any = main
        self._log = log
        self._frames = 0

    @property
    def ready(self) -> bool:
        return self._frames > 0

    def receive(self) -> None:
        self._frames += 1
        self._main.ready.add(self)

    def work(self) -> None:
        self._frames -= 1
        self._log.append(f"work {self.task.id}")


class Writer:
    """Holds something back, and tells ``log`` when it is flushed."""

    index = 0

    def __init__(self, name: str, log: list[str]) -> None:
        self._name = name
        self._log = log

    def flush(self) -> None:
        self._log.append(f"flush {self._name}")


@pytest.fixture
def switchboard() -> Switchboard:
    return Switchboard()


@pytest.fixture
def main(switchboard: Any) -> MainLoop:
    return MainLoop(switchboard)


@pytest.fixture
def log() -> list[str]:
    return []


def run(main: MainLoop, buffer_timeout: int) -> None:
    with pytest.raises(Cancelled):
        main.run(LoopMonitors(JobGraph((), (), timestamped=False), (), Unused()), buffer_timeout, lambda: False)


def test_work_that_comes_in_is_done_before_more_of_what_was_held_back_is_sent(
    main: MainLoop, switchboard: Switchboard, log: list[str]
):
    subtask = Subtask(main, log)
    for name in "abc":
        main.held.add(Writer(name, log))
    switchboard.arrivals = [nothing, subtask.receive, nothing]

    run(main, buffer_timeout=10**9)

    assert log[:2] == ["flush a", "work 1"]


def test_all_that_was_held_back_is_sent_after_the_buffer_timeout(
    main: MainLoop, switchboard: Switchboard, log: list[str]
):
    subtask = Subtask(main, log)
    for name in "abc":
        main.held.add(Writer(name, log))
    main.now = 0
    switchboard.arrivals = [subtask.receive]

    run(main, buffer_timeout=1)

    assert log == ["work 1", "flush a", "flush b", "flush c"]


def test_a_worker_does_not_sleep_while_something_is_held_back(main: MainLoop, switchboard: Switchboard, log: list[str]):
    main.held.add(Writer("a", log))
    main.held.add(Writer("b", log))
    switchboard.arrivals = [nothing, nothing]

    run(main, buffer_timeout=10**9)

    assert log == ["flush a", "flush b"]
    assert switchboard.timeouts == [0, 0, None]


def test_the_subtask_furthest_downstream_works_first(main: MainLoop, switchboard: Switchboard, log: list[str]):
    first, last = Subtask(main, log, task=1), Subtask(main, log, task=2)
    first.receive()
    last.receive()
    last.receive()
    switchboard.arrivals = [nothing] * 3

    run(main, buffer_timeout=10**9)

    assert log == ["work 2", "work 2", "work 1"]
