"""How a job runs in one process: in the script's thread, record by record, with errors as they were raised."""

from __future__ import annotations

import os
import threading
from bdb import BdbQuit
from typing import TYPE_CHECKING, Any

import pytest
from launched import PATIENCE
from many_tasks import calls_of_dropping

from stream_engine.accumulators import IntCounter
from stream_engine.api.functions import RichMapFunction
from stream_engine.api.time import Time
from stream_engine.job import InvalidProgramException, JobCancelledException, JobExecutionException

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Jobs, Launcher

# What functions of this file note, in the order of its happening. Those that travel by value, as lambdas do, would
# take a copy of it along: they call others.
log: list[Any] = []


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    log.clear()


def noted(value: Any) -> Any:
    log.append(value)
    return value


def fired() -> bool:
    return "fired" in log


def failing_at_three(value: int) -> int:
    if value == 3:
        raise KeyError(value)
    return value


class Rich(RichMapFunction):
    """Raises ``error``, and notes what becomes of it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def open(self, config: Any) -> None:
        self.index = self.getRuntimeContext().getIndexOfThisSubtask()
        log.append(f"open {self.index}")

    def map(self, value: Any) -> Any:
        if self.error is not None:
            raise self.error
        return value

    def close(self) -> None:
        log.append(f"close {self.index}")


def test_functions_run_in_the_thread_that_executes(inline: Jobs) -> None:
    env = inline.environment(2)
    env.generate_sequence(1, 4).rebalance().map(lambda _: noted((os.getpid(), threading.get_ident())))
    env.execute()
    assert log == [(os.getpid(), threading.get_ident())] * 4


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_record_has_gone_all_its_way_before_the_next_is_read(inline: Jobs, parallelism: int) -> None:
    env = inline.environment(parallelism)
    read = (noted(f"read {number}") for number in range(3))
    env.from_collection(read).key_by(len).reduce(lambda total, record: record).map(noted)
    env.execute()
    assert log == ["read 0"] * 2 + ["read 1"] * 2 + ["read 2"] * 2


def test_a_pushed_record_has_gone_all_its_way_when_collect_returns(inline: Jobs) -> None:
    class Source:
        def run(self, ctx: Any) -> None:
            for number in range(2):
                ctx.collect(number)
                noted("collected")

    env = inline.environment(2)
    iteration = env.add_source(Source()).iterate()
    body = iteration.map(noted).set_parallelism(1)
    iteration.close_with(body.map(lambda value: value + 10).filter(lambda value: value < 30))
    env.execute()
    assert log == [0, 10, 20, "collected", 1, 11, 21, "collected"]


def test_lines_are_written_as_their_records_come(inline: Jobs, capfd: pytest.CaptureFixture[str]) -> None:
    def look(value: int) -> int:
        noted(capfd.readouterr().out)
        return value

    env = inline.environment(1)
    env.from_collection(look(number) for number in range(3)).output()
    env.execute()
    assert log == ["", "0\n", "1\n"]


def test_push_sources_have_the_thread_one_after_the_other_behind_all_others(inline: Jobs) -> None:
    class Source:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, ctx: Any) -> None:
            for _ in range(2):
                ctx.collect(self.name)

    env = inline.environment(1)
    first, second = env.add_source(Source("a")), env.add_source(Source("b"))
    first.union(second, env.from_elements("c", "d"), env.from_elements("e")).map(noted)
    env.execute()
    assert log == ["c", "e", "d", "a", "a", "b", "b"]


def test_windows_fire_in_real_time_between_the_records_of_a_source(inline: Jobs) -> None:
    class Until:
        """Ends when the window with its first record has fired, which only time can bring about."""

        def run(self, ctx: Any) -> None:
            while not fired():
                ctx.collect(1)

    env = inline.environment(2)
    windows = env.add_source(Until()).key_by(lambda value: value).time_window(Time.milliseconds(20))
    windows.reduce(lambda total, value: total + value).map(lambda _: noted("fired"))
    env.execute()
    assert fired()


def test_a_window_in_a_loop_is_waited_for(inline: Jobs) -> None:
    env = inline.environment(2)
    iteration = env.from_elements(45).iterate()
    windows = iteration.key_by(lambda value: 0).time_window(Time.milliseconds(20))
    sums = windows.reduce(lambda total, value: total + value)
    iteration.close_with(sums.filter(lambda value: value < 100).map(lambda value: value * 2))
    sums.filter(lambda value: value >= 100).map(noted)
    env.execute()
    assert log == [180]


def test_each_subtask_has_its_own_function_opened_and_closed_once(inline: Jobs) -> None:
    env = inline.environment(2)
    env.from_elements(1).map(Rich()).output()
    env.execute()
    assert sorted(log) == ["close 0", "close 1", "open 0", "open 1"]


def test_accumulators_of_all_subtasks_are_in_the_result(inline: Jobs) -> None:
    class Counting(RichMapFunction):
        def open(self, config: Any) -> None:
            self.counter = IntCounter()
            self.getRuntimeContext().addAccumulator("records", self.counter)

        def map(self, value: int) -> int:
            self.counter.add(1)
            return value

    env = inline.environment(3)
    env.generate_sequence(1, 10).map(Counting()).output()
    assert env.execute().get_accumulator_result("records") == 10


# --- failures ---


@pytest.mark.parametrize(("parallelism", "where"), [(1, "subtask 1 of 1"), (2, "subtask 1 of 2")])
def test_a_failure_is_reported_as_on_workers_and_its_cause_is_what_was_raised(
    inline: Jobs, parallelism: int, where: str
) -> None:
    env = inline.environment(parallelism)
    env.from_elements(1, 2, 3).map(failing_at_three).name("picky").output()

    with pytest.raises(JobExecutionException) as failure:
        env.execute()

    first, second, third, *frames = str(failure.value).splitlines()
    assert first == "KeyError: 3"
    assert second.startswith(f"  in operator 'picky' ({where}, made at {__file__}:")
    assert third == "  with the record 3"
    assert f'  File "{__file__}", line {failing_at_three.__code__.co_firstlineno + 2}, in failing_at_three' in frames
    cause = failure.value.__cause__
    assert isinstance(cause, KeyError)
    traceback = cause.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    # A debugger finds the function as it was when it failed.
    assert traceback is not None
    assert traceback.tb_frame.f_locals == {"value": 3}


@pytest.mark.parametrize("index", [0, 1])
def test_a_failure_says_which_subtask_it_came_from(inline: Jobs, index: int) -> None:
    class Picky(Rich):
        def map(self, value: Any) -> Any:
            assert self.index != index
            return value

    env = inline.environment(2)
    env.from_elements(1, 2).map(Picky()).output()
    with pytest.raises(JobExecutionException, match=f"subtask {index + 1} of 2"):
        env.execute()


def test_a_failure_behind_the_last_windows_says_which_subtask_it_came_from(inline: Jobs) -> None:
    env = inline.environment(2)
    windows = env.from_elements(3).key_by(lambda value: value).time_window(Time.days(1))
    windows.reduce(max).map(failing_at_three).output()
    with pytest.raises(JobExecutionException, match=r"subtask 2 of 2"):
        env.execute()


def test_all_functions_are_closed_after_a_failure(inline: Jobs) -> None:
    env = inline.environment(2)
    env.from_elements(1).map(Rich(ValueError("no"))).output()
    with pytest.raises(JobExecutionException, match="ValueError: no"):
        env.execute()
    assert sorted(log) == ["close 0", "close 1", "open 0", "open 1"]


def test_a_record_that_no_other_worker_could_get_is_refused(inline: Jobs) -> None:
    def lock(_: Any) -> Any:
        return threading.Lock()

    alone, spread = inline.environment(1), inline.environment(2)
    for env in alone, spread:
        env.from_elements(1, 2).map(lock).map(type).set_parallelism(1).output()
    alone.execute()
    with pytest.raises(JobExecutionException, match="a record cannot be sent to another worker"):
        spread.execute()


def test_a_path_that_cannot_be_written_to_is_found_before_a_record_is_read(inline: Jobs, tmp_path: Path) -> None:
    env = inline.environment()
    env.from_collection(noted(number) for number in range(3)).write_as_text(str(tmp_path))
    with pytest.raises(JobExecutionException, match="exists already"):
        env.execute()
    assert log == []


def test_a_plan_that_cannot_be_run_is_refused(inline: Jobs) -> None:
    env = inline.environment()
    env.from_elements(1).iterate().output()
    with pytest.raises(InvalidProgramException, match="never closed"):
        env.execute()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BdbQuit()])
def test_ctrl_c_and_leaving_the_debugger_stop_the_job(inline: Jobs, error: BaseException) -> None:
    env = inline.environment(1)
    env.from_elements(1).map(Rich(error)).output()
    with pytest.raises(JobCancelledException, match="stopped by SIGINT"):
        env.execute()
    assert log == ["open 0", "close 0"]


# --- as a process ---

ENDLESS = """
    import itertools
    from org.apache.flink.api.common.functions import RichMapFunction
    class Same(RichMapFunction):
        def map(self, value):
            return value
        def close(self):
            open("closed", "w").close()
    def main(factory):
        env = factory.get_execution_environment()
        env.from_collection(itertools.count()).map(Same()).output()
        env.execute()
"""


@pytest.mark.parametrize(("signal_name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_ends_the_run_with_its_status(launcher: Launcher, signal_name: str, status: int) -> None:
    import signal

    process = launcher.start(ENDLESS, "--local-debug")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.Signals[signal_name])
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (status, "")
    assert (launcher.directory / "closed").exists()


def test_a_reader_that_has_seen_enough_ends_the_run_quietly(launcher: Launcher) -> None:
    process = launcher.start(ENDLESS, "--local-debug")
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stderr:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(timeout=PATIENCE), err) == (128 + 13, "")
    assert (launcher.directory / "closed").exists()


def test_a_record_costs_the_same_however_many_tasks_it_does_not_come_to(inline: Jobs):
    few, many = calls_of_dropping(inline, 5), calls_of_dropping(inline, 50)

    assert many < 2 * few
