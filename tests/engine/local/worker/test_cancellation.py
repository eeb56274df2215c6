"""What happens to sources and functions when a job stops before its input ends, as the script sees it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, alive, kill_quietly, wait_until

if TYPE_CHECKING:
    import subprocess

    from launched import Launcher

# Sources that say to the file "log" what happens to them. Their ``run`` is at a record of their own once they say so.
PRELUDE = """
    import os, sys, threading, time
    from org.apache.flink.api.common.functions import RichMapFunction
    from org.apache.flink.streaming.api.functions.source import RichSourceFunction

    def log(*words):
        with open("log", "a") as file:
            print(*words, file=file)

    class Source(RichSourceFunction):
        def __init__(self, name):
            self.name = name
        def open(self, config):
            self.cancelled = threading.Event()
        def run(self, ctx):
            ctx.collect(self.name)
            log("running", self.name)
            self.wait(ctx)
            log("ended", self.name)
        def wait(self, ctx):
            self.cancelled.wait()
        def cancel(self):
            log("cancelled", self.name)
            self.cancelled.set()
        def close(self):
            log("closed", self.name)

    class Deaf(Source):
        "Never ends."
        def wait(self, ctx):
            while True:
                time.sleep(1000)

    class Noted(RichMapFunction):
        def open(self, config):
            log("pid", os.getpid())
        def map(self, value):
            return value
        def close(self):
            log("closed function")
"""
# Short, where something never ends.
SHORT = ("-D", "task.cancellation.timeout=3 s")


class Job:
    """A job of the script, which is stopped when all of its sources run."""

    def __init__(self, launcher: Launcher, script: str, *options: str, running: int = 1) -> None:
        self._launcher = launcher
        self.process: subprocess.Popen[str] = launcher.start(PRELUDE + script, *options)
        ready = wait_until(lambda: self.count("running ") == running or self.process.poll() is not None)
        if not ready or self.process.poll() is not None:
            kill_quietly(self.process)
            pytest.fail(f"{self.log}")

    @property
    def log(self) -> list[str]:
        path = self._launcher.directory / "log"
        return path.read_text().splitlines() if path.exists() else []

    def count(self, word: str) -> int:
        return sum(line.startswith(word) for line in self.log)

    def stop(self) -> str:
        """Stops the job, and returns what it says on standard error. Nothing of it is left."""
        try:
            self.process.send_signal(signal.SIGTERM)
            out, err = self.process.communicate(timeout=PATIENCE)
        finally:
            kill_quietly(self.process)
        assert (self.process.returncode, out) == (143, "")
        pids = [int(line.split()[1]) for line in self.log if line.startswith("pid ")]
        assert pids
        assert wait_until(lambda: not any(map(alive, pids)))
        return err

    def fail(self) -> str:
        """Waits for the job to fail, and returns what it says on standard error."""
        try:
            _, err = self.process.communicate(timeout=PATIENCE)
        finally:
            kill_quietly(self.process)
        assert self.process.returncode == 1
        return err


def test_all_sources_of_a_worker_are_cancelled_at_once(launcher: Launcher) -> None:
    # Each ends only when all have been cancelled.
    script = """
    together = threading.Barrier(5)
    class Together(Source):
        def wait(self, ctx):
            super().wait(ctx)
            together.wait(150)
        def cancel(self):
            together.wait(150)
            super().cancel()

    def main(factory):
        env = factory.get_execution_environment()
        for number in range(5):
            env.create_python_source(Together(number)).map(Noted())
        env.execute()
    """
    job = Job(launcher, script, running=5)
    assert job.stop() == ""
    assert job.count("ended ") == 5
    assert job.count("closed function") == 5
    closed = [job.log.index(line) for line in job.log if line.startswith("closed ")]
    assert min(closed) > max(job.log.index(f"ended {number}") for number in range(5))


def test_a_source_that_ends_late_is_closed_after_its_end(launcher: Launcher) -> None:
    script = """
    class Late(Source):
        def wait(self, ctx):
            super().wait(ctx)
            time.sleep(0.8)

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Late("late")).map(Noted())
        env.execute()
    """
    job = Job(launcher, script)
    assert job.stop() == ""
    assert job.log[-4:] == ["cancelled late", "ended late", "closed late", "closed function"]


def test_a_source_that_does_not_end_is_named_and_left_unclosed(launcher: Launcher) -> None:
    script = """
    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Deaf("deaf")).map(Noted())
        env.create_python_source(Source("good")).map(Noted())
        env.execute()
    """
    job = Job(launcher, script, *SHORT, running=2)
    err = job.stop()
    assert "closed deaf" not in job.log
    assert job.log.count("closed good") == 1
    assert job.log.count("closed function") == 2
    assert err.count("While stopping the job: ") == err.count("\n") == 1, err
    assert "run() has not returned in operator '" in err
    assert "(subtask 1 of 1, made at " in err
    line = 1 + (launcher.directory / "program.py").read_text().splitlines().index("            time.sleep(1000)")
    assert err.endswith(f", at {launcher.directory / 'program.py'}:{line}. The source is not closed.\n")


def test_a_function_that_a_source_is_in_is_named_and_left_unclosed(launcher: Launcher) -> None:
    # The thread of the one keeps the turn; the other waits for it, and so does the loop of the worker.
    script = """
    class Stuck(Noted):
        def map(self, value):
            log("running", value)
            while True:
                time.sleep(1000)
        def close(self):
            log("closed what was not to be")
    class Behind(Noted):
        def close(self):
            log("closed what was not to be")
    class Waiting(Source):
        def run(self, ctx):
            log("running", self.name)
            while not self.cancelled.is_set():
                ctx.collect(1)
            log("ended", self.name)

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Waiting("good")).map(Noted()).shuffle().map(Noted())
        env.create_python_source(Deaf("deaf")).map(Stuck()).shuffle().map(Behind())
        env.execute()
    """
    job = Job(launcher, script, *SHORT, running=2)
    err = job.stop()
    assert job.log.count("cancelled good") == job.log.count("ended good") == job.log.count("closed good") == 1
    assert job.log.count("cancelled deaf") == 1
    assert job.log.count("closed function") == 2
    assert "closed what was not to be" not in job.log
    assert err.count("While stopping the job: ") == err.count("\n") == 1, err
    assert "operator 'Map: Stuck' (subtask 1 of 1, made at" in err
    assert "is still processing a record, at" in err


# A source's own thread, which never comes back from the function.
THREADED = """
    class Threaded(Source):
        def run(self, ctx):
            threading.Thread(target=lambda: ctx.collect(self.name), daemon=True).start()
            self.cancelled.wait()
    class Slow(Noted):
        def map(self, value):
            log("running", value)
            while True:
                time.sleep(1000)
        def close(self):
            log("closed what was not to be")

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Threaded("threaded")).map(Slow())
        env.execute()
"""


def test_a_thread_of_a_sources_own_is_waited_for(launcher: Launcher) -> None:
    job = Job(launcher, THREADED, *SHORT)
    err = job.stop()
    assert [line for line in job.log if "closed" in line] == []
    assert "operator 'Map: Slow' (subtask 1 of 1, made at" in err


def test_a_record_of_a_sources_own_thread_is_processed_before_the_end(launcher: Launcher) -> None:
    script = """
    closed, begun = threading.Event(), threading.Event()
    class Threaded(Source):
        def run(self, ctx):
            threading.Thread(target=lambda: ctx.collect(self.name)).start()
            begun.wait()
    class Slow(Noted):
        def map(self, value):
            begun.set()
            log("closed too early" if closed.wait(1) else "in time")
            return value
        def close(self):
            closed.set()

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Threaded("threaded")).map(Slow()).output()
        env.execute()
    """
    assert launcher.lines(PRELUDE + script) == ["threaded"]
    assert (launcher.directory / "log").read_text().splitlines()[1:] == ["in time", "closed threaded"]


def test_a_cancel_that_blocks_or_raises_keeps_nobody_from_being_closed(launcher: Launcher) -> None:
    script = """
    class Blocking(Source):
        def cancel(self):
            super().cancel()
            while True:
                time.sleep(1000)
    class Raising(Source):
        def cancel(self):
            super().cancel()
            raise ValueError("cannot be cancelled")

    def main(factory):
        env = factory.get_execution_environment()
        for source in (Blocking("blocking"), Raising("raising"), Source("good")):
            env.create_python_source(source).map(Noted())
        env.execute()
    """
    job = Job(launcher, script, *SHORT, running=3)
    err = job.stop()
    assert job.count("ended ") == 3
    assert job.log.count("closed function") == 3
    assert {line for line in job.log if line.startswith("closed")} == {
        "closed function",
        "closed raising",
        "closed good",
    }
    assert err.count("While stopping the job: ") == 2, err
    assert "While stopping the job: cancel() has not returned in operator '" in err
    assert "While stopping the job: ValueError: cannot be cancelled\n  in operator '" in err
    assert "while it was being cancelled" in err


def test_a_failed_job_also_waits_for_its_sources(launcher: Launcher) -> None:
    script = """
    class Failing(Source):
        def wait(self, ctx):
            while not os.path.exists("fail"):
                time.sleep(0.01)
            raise ValueError("on purpose")
    class Late(Source):
        def wait(self, ctx):
            super().wait(ctx)
            time.sleep(0.8)

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Late("late")).map(Noted())
        env.create_python_source(Failing("failing")).map(Noted())
        env.execute()
    """
    job = Job(launcher, script, running=2)
    launcher.write("fail", "")
    err = job.fail()
    assert "ValueError: on purpose" in err
    assert "While stopping" not in err
    assert job.log.index("ended late") < job.log.index("closed late")
    assert job.log.count("closed failing") == 1
    assert job.log.count("closed function") == 2


def test_a_source_that_fails_while_another_is_in_a_function_fails_the_job(launcher: Launcher) -> None:
    script = """
    class Failing(Source):
        def run(self, ctx):
            log("running", self.name)
            while not os.path.exists("fail"):
                time.sleep(0.01)
            raise ValueError("on purpose")
    class Stuck(Noted):
        def map(self, value):
            log("running", value)
            while True:
                time.sleep(1000)

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Failing("failing")).map(Noted())
        env.create_python_source(Source("good")).map(Stuck())
        env.execute()
    """
    job = Job(launcher, script, *SHORT, running=2)
    launcher.write("fail", "")
    err = job.fail()
    assert "ValueError: on purpose" in err
    assert "operator 'Map: Stuck' (subtask 1 of 1, made at" in err


def test_a_close_that_does_not_return_is_named_and_its_worker_killed(launcher: Launcher) -> None:
    script = """
    class Hanging(Noted):
        def close(self):
            while True:
                time.sleep(1000)

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Source("good")).map(Hanging())
        env.execute()
    """
    job = Job(launcher, script, *SHORT)
    first, second, third = job.stop().splitlines()
    assert first.startswith("While stopping the job: close() has not returned in operator 'Map: Hanging' (subtask 1 of")
    assert second == "While stopping the job: Worker 1 of 1 did not stop within 3 s, and is killed."
    assert third.startswith("  It ran subtask 1 of: ")
    assert "closed good" in job.log


def test_a_close_that_raises_keeps_nobody_from_being_closed(launcher: Launcher) -> None:
    script = """
    class Raising(Source):
        def close(self):
            super().close()
            raise ValueError("of the source")
    class RaisingFunction(Noted):
        def close(self):
            super().close()
            sys.exit("of the function")

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Raising("first")).map(RaisingFunction())
        env.create_python_source(Raising("second")).map(RaisingFunction())
        env.execute()
    """
    job = Job(launcher, script, running=2)
    err = job.stop()
    assert job.log.count("closed function") == 2
    assert err.count("ValueError: of the source") == err.count("SystemExit: of the function") == 2


def test_a_function_that_keeps_the_loop_is_told_with_its_worker(launcher: Launcher) -> None:
    script = """
    class Stuck(Noted):
        def map(self, value):
            log("running", value)
            while True:
                time.sleep(1000)

    def main(factory):
        env = factory.get_execution_environment()
        env.generate_sequence(1, 10).map(Stuck())
        env.execute()
    """
    job = Job(launcher, script, *SHORT)
    err = job.stop()
    assert err.startswith("While stopping the job: Worker 1 of 1 did not stop within 3 s, and is killed.\n  It ran ")
    assert "Stuck" in err


def test_without_a_timeout_a_source_takes_as_long_as_it_likes(launcher: Launcher) -> None:
    script = """
    class Late(Source):
        def wait(self, ctx):
            super().wait(ctx)
            time.sleep(4)

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Late("late")).map(Noted())
        env.execute()
    """
    job = Job(launcher, script, "-D", "task.cancellation.timeout=0")
    assert job.stop() == ""
    assert job.log[-3:] == ["ended late", "closed late", "closed function"]


@pytest.mark.parametrize(("first", "second"), [(signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)])
def test_a_second_signal_ends_a_debugged_job_at_once(
    launcher: Launcher, first: signal.Signals, second: signal.Signals
) -> None:
    script = """
    class Hanging(Noted):
        def close(self):
            log("closing")
            while True:
                time.sleep(1000)

    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Deaf("deaf")).map(Hanging())
        env.execute()
    """
    job = Job(launcher, script, "--local-debug")
    try:
        job.process.send_signal(first)
        assert wait_until(lambda: "closing" in job.log)
        job.process.send_signal(second)
        _, err = job.process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(job.process)
    assert (job.process.returncode, err) == (128 + second, "")


def test_a_debugged_job_closes_no_function_that_a_thread_is_in(launcher: Launcher) -> None:
    job = Job(launcher, THREADED, "--local-debug", *SHORT)
    err = job.stop()
    assert [line for line in job.log if line.startswith("closed")] == []
    assert err.startswith("While stopping the job: a thread of a source is still processing a record."), err
