"""Signals that ask for savepoints: at whatever moment, and where none can be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from interrupted import said, savepoint_named_in
from launched import PATIENCE, kill_quietly, wait_until

if TYPE_CHECKING:
    from interrupted import Numbers
    from launched import Launcher


def test_a_job_whose_savepoint_fails_continues_until_it_is_stopped_without_one(numbers: Numbers) -> None:
    process = numbers.start("--stop-with-savepoint", "savepoints/mine")
    numbers.savepoints.write_text("in the way")
    assert process.stderr is not None
    try:
        process.terminate()
        first, second = process.stderr.readline(), process.stderr.readline()
        assert first.startswith("The savepoint failed, the job continues: Cannot write a checkpoint to ")
        assert f"{numbers.savepoints}/mine/" in first
        assert second == "The next signal stops the job without a savepoint.\n"
        assert process.poll() is None
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    assert (process.returncode, err) == (143, "")


def test_a_second_signal_does_not_wait_for_the_savepoint(launcher: Launcher) -> None:
    process = launcher.start(
        """
        import time
        def block(value):
            print("begun", flush=True)
            time.sleep(1000)
            return value
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map(block).output()
            env.execute()
        """,
        "--stop-with-savepoint",
        "savepoints",
        "-D",
        "task.cancellation.timeout=3 s",
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        assert wait_until(lambda: bool(list(launcher.directory.glob("savepoints/*"))))
        assert process.stderr is not None
        told = "Waiting for the savepoint (missing: worker 1). Send the signal again to stop without it.\n"
        assert process.stderr.readline() == told
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    assert process.returncode == 143
    assert err.startswith("While stopping the job: Worker 1 of 1 did not stop within 3 s, and is killed.\n  It ran ")
    assert list(launcher.directory.glob("savepoints/*")) == []


def test_a_signal_at_the_end_of_a_job_still_stops_the_script(launcher: Launcher) -> None:
    script = """
        import os, signal
        from org.apache.flink.streaming.api.functions.sink import SinkFunction

        class Committing(SinkFunction):
            def __init__(self, launcher):
                self.launcher = launcher
            def begin(self):
                return []
            def invoke(self, value):
                pass
            def pre_commit(self, transaction):
                pass
            def commit(self, transaction):
                os.kill(self.launcher, signal.SIGTERM)
            def abort(self, transaction):
                pass

        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).add_sink(Committing(os.getpid()))
            env.execute()
            print("not reached")
    """
    done = launcher.run(script, "--stop-with-savepoint", "savepoints")
    # It depends on which is faster, the signal or the job's last step.
    assert done.code == (0 if "Savepoint: " in done.err else 143), done.err
    assert done.lines == []


@pytest.mark.parametrize("savepoints", [True, False])
def test_a_stopped_job_leaves_one_thing_to_resume_from(numbers: Numbers, savepoints: bool) -> None:
    options = ["-D", "execution.checkpointing.interval=20", "-D", "state.checkpoints.dir=checkpoints"]
    process = numbers.start(*options, *(["--stop-with-savepoint", "savepoints"] if savepoints else []))
    try:
        assert wait_until(lambda: bool(list(numbers.directory.glob("checkpoints/*/chk-*/_metadata"))))
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    (line,) = said(err)
    if savepoints:
        assert (process.returncode, list(numbers.directory.glob("checkpoints/*"))) == (0, [])
        path = savepoint_named_in(err)
    else:
        assert process.returncode == 143
        hint, _, path = line.partition(" -s ")
        assert hint == "To resume from the newest checkpoint of the stopped job:"
    numbers.go_on("-p", 2, "-s", path)
    numbers.expect_exact_results()


def test_a_job_that_waits_for_its_restart_is_restarted_for_its_savepoint(launcher: Launcher) -> None:
    process = launcher.start(
        """
        import os, time
        def fail_once(number):
            if number == 5 and not os.path.exists("failed"):
                open("failed", "w").close()
                raise ValueError("once")
            time.sleep(0.01)
            return number
        def main(factory):
            env = factory.get_execution_environment()
            env.generate_sequence(1, 1000).map(fail_once).write_as_text("output")
            env.execute()
        """,
        *("--stop-with-savepoint", "savepoints", "-D", "execution.checkpointing.interval=1 h"),
        *("-D", "restart-strategy=fixed-delay", "-D", "restart-strategy.fixed-delay.delay=1 h"),
    )
    assert process.stderr is not None
    try:
        lines = [process.stderr.readline(), process.stderr.readline()]
        assert "Restart 1 from the beginning in 3600.0 s: ValueError: once" in lines[1], lines
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    assert process.returncode == 0, err
    assert savepoint_named_in(err)


@pytest.mark.parametrize("place", ["before", "between"])
def test_a_wish_for_a_savepoint_without_a_job_does_no_harm(launcher: Launcher, place: str) -> None:
    done = launcher.run(
        """
        import os, signal, sys
        def main(factory):
            if "before" in sys.argv:
                os.kill(os.getpid(), signal.SIGUSR1)
            for number in (1, 2):
                env = factory.get_execution_environment()
                env.from_elements(number).output()
                env.execute()
                if number == 1 and "between" in sys.argv:
                    os.kill(os.getpid(), signal.SIGUSR1)
        """,
        "--savepoint",
        "savepoints",
        "-",
        place,
    )
    assert (done.code, done.lines) == (0, ["1", "2"])
    assert done.err == "Warning: no savepoint was taken, as no job is running\n"
