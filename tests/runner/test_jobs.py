"""Whole programs on workers, through the real command."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

if TYPE_CHECKING:
    from launched import Command

PROGRAM = """
    import sys
    import helper
    from org.apache.flink.api.common.functions import MapFunction
    class Tag(MapFunction):
        def map(self, value):
            return helper.tag(value), sys.argv[1:], type(self).__module__
    def main(factory):
        env = factory.get_execution_environment()
        env.generate_sequence(1, 3).map(Tag()).map(lambda record: helper.join(record)).output()
        env.execute()
"""
HELPER = """
    def tag(value): return f"<{value}>"
    def join(record): return f"{record[0]} {' '.join(record[1])} {record[2]}"
"""


@pytest.mark.parametrize(
    ("stem", "parallelism"), [("job", 1), ("job", 2), ("statistics", 2), ("select", 1), ("pickle", 2), ("engine", 1)]
)
def test_workers_import_the_script_and_its_packages(command: Command, stem: str, parallelism: int) -> None:
    command.write(f"jobs/{stem}.py", PROGRAM)
    command.write("lib/helper.py", HELPER)
    command.write("lib/random.py", "raise AssertionError('shadowed')\n")
    out = command.output("-p", str(parallelism), f"jobs/{stem}.py", "lib/helper.py", "-", "-x", "y")
    records = sorted(line.partition("> ")[2] if parallelism > 1 else line for line in out.splitlines())
    assert records == [f"<{number}> -x y {stem}" for number in (1, 2, 3)]


def test_the_parallelism_of_the_environment_wins_over_the_options(command: Command) -> None:
    command.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.set_parallelism(3)
            env.generate_sequence(1, 1000).map(lambda number: number).output()
            env.execute()
        """,
    )
    out = command.output("s.py", "-p", "2")
    assert {line.partition("> ")[0] for line in out.splitlines()} == {"1", "2", "3"}


def test_a_failing_function_is_reported_with_the_line_that_started_the_job(command: Command) -> None:
    script = command.write(
        "s.py",
        """
        def invert(value):
            return 1 / value
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(0).map(invert).output()
            env.execute()
        """,
    )
    done = command.run("s.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert f'File "{script}", line 2, in invert' in done.stderr
    assert f'The script started this job here:\n  File "{script}", line 6, in main' in done.stderr
    assert "pyflink_stream/" not in done.stderr
    assert "stream_engine/" not in done.stderr


def test_a_mistake_in_the_plan_is_reported_at_its_line(command: Command) -> None:
    script = command.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map(lambda one, two: one)
        """,
    )
    done = command.run("s.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert f'File "{script}", line 3, in main' in done.stderr
    assert done.stderr.startswith(f"{script}:3: <lambda>(one, two) has the wrong parameters")
    assert "stream_engine" not in done.stderr


def test_a_caught_failure_is_the_scripts_business(command: Command) -> None:
    command.write(
        "s.py",
        """
        from stream_engine.job import JobExecutionException
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(0).map(lambda value: 1 / value).output()
            try:
                env.execute()
            except JobExecutionException as failure:
                print(type(failure.__cause__).__name__)
        """,
    )
    assert command.output("s.py") == "ZeroDivisionError\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_job(command: Command, number: signal.Signals, status: int) -> None:
    command.write(
        "s.py",
        """
        from org.apache.flink.streaming.api.functions.source import SourceFunction
        class Endless(SourceFunction):
            def __init__(self):
                self.running = True
            def run(self, ctx):
                import time
                ctx.collect("running")
                while self.running:
                    time.sleep(0.01)
            def cancel(self):
                self.running = False
        def main(factory):
            env = factory.get_execution_environment()
            env.create_python_source(Endless()).output()
            env.execute()
        """,
    )
    process = command.start("s.py")
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (status, "", "")


UNEXECUTED = """
    def main(factory):
        env = factory.get_execution_environment()
        env.from_elements(1).output()
        {execute}
        {more}
"""


@pytest.mark.parametrize(
    ("execute", "more", "out", "warning"),
    [
        ("", "", "", "a plan, begun at {}:3, that was not run: call execute() on its environment\n"),
        ("", "env.from_elements(2).output()", "", "begun at {}:3,"),
        ("env.execute()", "env.from_elements(2).output()", "1\n", "begun at {}:5, that was not run: call"),
        ("env.execute()", "", "1\n", None),
    ],
)
def test_a_plan_that_is_never_executed_is_one_warning(
    command: Command, execute: str, more: str, out: str, warning: str | None
) -> None:
    script = command.write("s.py", UNEXECUTED.format(execute=execute, more=more))
    done = command.run("s.py")
    assert (done.returncode, done.stdout) == (0, out)
    assert done.stderr.count("Warning: main() ended with ") == (warning is not None)
    assert (warning or "").format(script) in done.stderr


def test_two_environments_left_with_a_plan_are_one_warning(command: Command) -> None:
    command.write(
        "s.py",
        """
        def main(factory):
            for _ in range(2):
                factory.get_execution_environment().from_elements(1).output()
        """,
    )
    assert command.run("s.py").stderr.count("Warning:") == 1


def test_a_failure_is_not_also_a_plan_without_execute(command: Command) -> None:
    command.write(
        "s.py",
        """
        def main(factory):
            factory.get_execution_environment().from_elements(1).output()
            raise SystemExit("enough")
        """,
    )
    done = command.run("s.py")
    assert (done.returncode, done.stderr) == (1, "enough\n")


def test_a_link_to_itself_among_the_files_of_a_directory_is_skipped_with_a_warning(command: Command) -> None:
    command.write("in/a.txt", "line\n")
    link = command.directory / "in" / "link"
    link.symlink_to("link")
    command.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.read_text_file("in").output()
            env.execute()
        """,
    )
    done = command.run("s.py")
    assert (done.returncode, done.stdout) == (0, "line\n")
    assert done.stderr == f"Warning: {link} is not read: it is a link that leads nowhere, or to itself\n"


def test_nothing_looks_for_garbage_before_the_script_runs_and_all_do_afterwards(command: Command) -> None:
    """Full collections of what was imported took a fifth of the time that a short job takes."""
    command.write(
        "s.py",
        """
        import gc
        def state(value=None):
            return gc.get_stats()[2]["collections"], gc.isenabled(), gc.get_freeze_count() > 10_000
        def main(factory):
            print(state())
            env = factory.get_execution_environment()
            env.from_elements(1).map(state).output()
            env.execute()
        """,
    )
    script, worker = command.output("-p", "1", "s.py").splitlines()
    assert script == "(0, True, True)"
    # It looks once, at what the job has brought.
    assert worker == "(1, True, True)"
