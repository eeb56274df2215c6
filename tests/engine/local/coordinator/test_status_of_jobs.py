"""The states, checkpoints, restarts and failures that the status of a job shows."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.graph.job_graph import JobGraph
from stream_engine.job import JobExecutionException
from stream_engine.local.monitor import Monitor

if TYPE_CHECKING:
    from pathlib import Path

    from watched import Watched

    from stream_engine.status import JobStatus


def test_the_states_of_a_job_in_their_order(watched: Watched) -> None:
    env = watched.environment()
    env.from_elements(1).output()
    env.execute()
    states = [status.state for status in watched.statuses]
    assert (states[0], states[-1]) == ("RUNNING", "FINISHED")
    assert set(states[1:-1]) <= {"RUNNING"}
    assert len({status.job_id for status in watched.statuses}) == 1
    first, last = watched.statuses[0], watched.statuses[-1]
    assert first.started == last.started <= first.time <= last.time


def test_checkpoints_are_told_as_they_begin_and_end(watched: Watched, tmp_path: Path) -> None:
    options = {"execution__checkpointing__interval": 20, "state__checkpoints__dir": str(tmp_path / "checkpoints")}
    enough = tmp_path / "enough"

    class Until:
        """A source that ends after some checkpoints."""

        def run(self, context: Any) -> None:
            while not enough.exists():
                context.collect(1)
                time.sleep(0.002)

        def cancel(self) -> None:
            """It is not needed."""

        def snapshot_state(self) -> int:
            return 0

        def restore_state(self, state: int) -> None:
            """There is nothing to restore."""

    def look(status: JobStatus) -> None:
        if status.completed_checkpoints > 3:
            enough.touch()

    watched.look = look
    env = watched.environment(2, **options)
    env.create_python_source(Until()).rebalance().map(bool).name("mapped").add_sink(bool)
    env.execute()
    last = watched.statuses[-1]
    assert last.completed_checkpoints > 3
    assert {status.checkpoint_interval for status in watched.statuses} == {20}
    ids = [checkpoint.id for checkpoint in last.checkpoints]
    assert ids == sorted(set(ids))
    for checkpoint in last.checkpoints:
        if checkpoint.state == "COMPLETED":
            assert last.started <= checkpoint.started <= last.time
            assert checkpoint.duration is not None
            assert checkpoint.size
    # Each was told of as it ended, at the latest.
    told = {checkpoint.id for status in watched.statuses[:-1] for checkpoint in status.checkpoints}
    assert set(ids[:-1]) <= told


def test_of_many_checkpoints_all_are_counted_and_the_last_are_known() -> None:
    statuses: list[JobStatus] = []

    class Observer:
        def on_status(self, status: JobStatus) -> None:
            statuses.append(status)

    monitor = Monitor("0" * 32, "many", JobGraph((), (), timestamped=False), [Observer()])
    for number in range(1, 131):
        monitor.checkpoint_begun(number, savepoint=False)
        if number % 3:
            monitor.checkpoint_completed(number, 100 * number)
        else:
            monitor.checkpoint_failed(number)
            monitor.checkpoint_failed(number)
    last = statuses[-1]
    assert (last.completed_checkpoints, last.failed_checkpoints) == (87, 43)
    assert [checkpoint.id for checkpoint in last.checkpoints] == list(range(81, 131))
    assert (last.checkpoints[-1].state, last.checkpoints[-1].size) == ("COMPLETED", 13_000)


def test_a_restart_is_told_with_its_cause_and_counts_begin_anew(watched: Watched, tmp_path: Path) -> None:
    marker = tmp_path / "failed"

    def fail_once(number: int) -> int:
        if number == 150 and not marker.exists():
            marker.touch()
            raise ValueError("once")
        return number

    options = {"restart_strategy": "fixed-delay", "restart_strategy__fixed_delay__delay": 300}
    env = watched.environment(**options)
    env.generate_sequence(1, 200).map(fail_once).add_sink(bool)
    env.execute()
    restarting = next(status for status in watched.statuses if status.state == "RESTARTING")
    assert restarting.restarts == 1
    assert "ValueError: once" in str(restarting.error)
    states = [status.state for status in watched.statuses]
    assert states[states.index("RESTARTING") :].count("RUNNING") >= 1
    last = watched.statuses[-1]
    assert (last.state, last.restarts, last.records_read, last.records_written) == ("FINISHED", 1, 200, 200)


def test_a_failed_job_says_why_and_what_it_has_read(watched: Watched) -> None:
    env = watched.environment()
    env.from_elements(4, 2, 0, 1).map(lambda number: 8 // number).output()
    with pytest.raises(JobExecutionException):
        env.execute()
    last = watched.statuses[-1]
    assert (last.state, last.records_read) == ("FAILED", 4)
    assert "ZeroDivisionError" in str(last.error)


@pytest.mark.parametrize("parallelism", [1, 3])
def test_the_subtask_that_failed_is_told_from_those_that_were_stopped(watched: Watched, parallelism: int) -> None:
    env = watched.environment(parallelism)
    numbers = env.generate_sequence(1, 1_000_000).name("numbers").key_by(lambda number: number == 7)
    checked = numbers.reduce(lambda one, other: other).map(lambda number: 1 // (number - 7)).name("checked")
    checked.rebalance().map(str).name("after").add_sink(bool)
    with pytest.raises(JobExecutionException, match=r"'checked' \(subtask (\d)") as failed:
        env.execute()
    index = int(str(failed.value).split("(subtask ")[1][0]) - 1
    last = watched.statuses[-1]
    assert [(task.id, each.subtask) for task in last.tasks for each in task.subtasks if each.failed] == [
        (watched.task("checked").id, index)
    ]


def test_all_subtasks_of_a_worker_that_was_killed_have_failed(watched: Watched) -> None:
    env = watched.environment(2)
    numbers = env.generate_sequence(1, 10).name("numbers").key_by(lambda number: number % 2)
    numbers.reduce(lambda one, other: other).map(lambda number: os._exit(3)).set_parallelism(1).add_sink(bool)
    with pytest.raises(JobExecutionException):
        env.execute()
    # Its single subtask runs in the first worker.
    tasks = watched.statuses[-1].tasks
    assert [[each.failed for each in task.subtasks] for task in tasks] == [
        [True, False][: task.parallelism] for task in tasks
    ]
    assert {task.parallelism for task in tasks} == {1, 2}


def test_a_job_that_was_restarted_has_no_failed_subtask(watched: Watched, tmp_path: Path) -> None:
    marker = tmp_path / "failed"

    def fail_once(number: int) -> int:
        if not marker.exists():
            marker.touch()
            raise ValueError("once")
        return number

    env = watched.environment(restart_strategy="fixed-delay", restart_strategy__fixed_delay__delay=0)
    env.generate_sequence(1, 20).map(fail_once).add_sink(bool)
    env.execute()
    assert not any(task.failed for task in watched.statuses[-1].tasks)
