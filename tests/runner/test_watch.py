"""``--watch``: the script runs again when what it is made of changes."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from launched import GROUP, rest_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from launched import Command

PRINTING = """
    import sys
    def main(factory):
        print("version {version}", *sys.argv[1:], flush=True)
"""
# Runs until it is stopped, and says so.
ENDLESS = """
    import itertools, time
    from org.apache.flink.api.common.functions import RichMapFunction
    class Closed(RichMapFunction):
        def open(self, config):
            print("open {version}")
        def close(self):
            print("closed {version}")
        def map(self, value):
            time.sleep(0.01)
            return value
    def main(factory):
        env = factory.get_execution_environment()
        env.from_collection(iter(itertools.count())).map(Closed()).filter(lambda value: False)
        env.execute()
"""


class Watch:
    """A running command that watches."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        assert process.stderr is not None
        self.out = process.stdout
        self.err = process.stderr

    def lines(self, count: int) -> list[str]:
        """The next lines of standard output."""
        return [self.out.readline().rstrip("\n") for _ in range(count)]

    def told(self, text: str) -> str:
        """The lines of standard error up to the one that has ``text``."""
        lines: list[str] = []
        for line in self.err:
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise AssertionError("".join(lines))

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """It sees what is done meanwhile when all is done, and not half of it where the machine is slow."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def end(self, number: signal.Signals = signal.SIGINT, group: bool = True) -> tuple[int, str, str]:
        """The exit status, and the rest of both outputs; their end shows that no process is left that has them."""
        (os.killpg if group else os.kill)(self.process.pid, number)
        out, err = rest_of(self.process)
        return self.process.returncode, out, err


@contextmanager
def watching(command: Command, *args: str) -> Iterator[Watch]:
    process = command.start("--watch", *args, popen=GROUP)
    try:
        yield Watch(process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def save_atomically(path: Path, text: str) -> None:
    """As many editors do."""
    other = path.with_name(f".{path.name}.tmp")
    other.write_text(text)
    other.replace(path)


@pytest.mark.parametrize("atomically", [True, False])
def test_a_change_of_the_script_runs_it_again(command: Command, atomically: bool) -> None:
    script = command.write("s.py", PRINTING.format(version=1))
    with watching(command, "s.py", "-", "--watch", "x") as watch:
        assert watch.lines(1) == ["version 1 --watch x"]
        watch.told("Watch: s.py finished; waiting for a change\n")
        for version in ("2", "3"):
            text = script.read_text().replace(f"version {int(version) - 1}", f"version {version}")
            with watch.looking_away():
                save_atomically(script, text) if atomically else script.write_text(text)
            assert watch.lines(1) == [f"version {version} --watch x"]
            assert watch.told("finished") == "Watch: changed: s.py\nWatch: s.py finished; waiting for a change\n"
        assert watch.end() == (130, "", "")


def test_changes_of_packages_and_the_configuration_run_it_again(command: Command) -> None:
    command.write(
        "s.py",
        """
        import helper, pack.part
        def main(factory):
            parallelism = factory.get_execution_environment().get_parallelism()
            print(helper.VERSION, pack.part.VERSION, parallelism, flush=True)
        """,
    )
    helper = command.write("lib/helper.py", "VERSION = 1\n")
    command.write("lib/pack/__init__.py", "")
    part = command.write("lib/pack/part.py", "VERSION = 1\n")
    configuration = command.write("conf/flink-conf.yaml", "parallelism.default: 1\n")
    with watching(command, "s.py", "lib/helper.py", "lib/pack") as watch:
        assert watch.lines(1) == ["1 1 1"]
        watch.told("finished")
        save_atomically(helper, "VERSION = 2\n")
        assert watch.lines(1) == ["2 1 1"]
        watch.told("finished")
        save_atomically(part, "VERSION = 3\n")
        assert watch.lines(1) == ["2 3 1"]
        watch.told("finished")
        save_atomically(configuration, "parallelism.default: 4\n")
        assert watch.lines(1) == ["2 3 4"]
        assert watch.end()[0] == 130


def test_the_old_run_is_stopped_before_the_new_one_starts(command: Command) -> None:
    script = command.write("s.py", ENDLESS.replace("{version}", "1"))
    with watching(command, "s.py") as watch:
        assert watch.lines(1) == ["open 1"]
        save_atomically(script, script.read_text().replace("1", "2"))
        assert watch.lines(2) == ["closed 1", "open 2"]
        assert watch.told("changed") == "Watch: changed: s.py\n"
        assert watch.end() == (130, "closed 2\n", "")


def test_what_does_not_parse_is_told_and_leaves_the_run_alone(command: Command) -> None:
    script = command.write("s.py", ENDLESS.replace("{version}", "1"))
    with watching(command, "s.py") as watch:
        assert watch.lines(1) == ["open 1"]
        save_atomically(script, "def main(factory:\n")
        told = watch.told("waiting for the next change")
        assert told.startswith("Watch: changed: s.py\nSyntaxError: ")
        assert f'  File "{script}", line 1\n    def main(factory:\n' in told
        save_atomically(script, ENDLESS.replace("{version}", "2").replace("\n    ", "\n"))
        assert watch.lines(2) == ["closed 1", "open 2"]
        assert watch.end()[:2] == (130, "closed 2\n")


def test_a_script_that_does_not_parse_at_first_is_waited_for(command: Command) -> None:
    script = command.write("s.py", "print 'old'\n")
    with watching(command, "s.py") as watch:
        assert "This is Python 2, in line 1 of" in watch.told("waiting for the next change")
        save_atomically(script, dedent(PRINTING.format(version=1)))
        assert watch.lines(1) == ["version 1"]
        script.unlink()
        assert "Error: s.py: cannot be read: No such file" in watch.told("waiting for the next change")
        save_atomically(script, dedent(PRINTING.format(version=2)))
        assert watch.lines(1) == ["version 2"]


def test_a_run_that_fails_is_reported_and_the_next_change_waited_for(command: Command) -> None:
    script = command.write("s.py", "def main(factory):\n    1 / 0\n")
    with watching(command, "s.py") as watch:
        told = watch.told("Watch: s.py ended with status 1; waiting for a change\n")
        assert told.startswith("ZeroDivisionError: ")
        save_atomically(script, dedent(PRINTING.format(version=1)))
        assert watch.lines(1) == ["version 1"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_for_the_watch_alone_ends_the_run_too(command: Command, number: signal.Signals, status: int) -> None:
    command.write("s.py", ENDLESS.replace("{version}", "1"))
    with watching(command, "s.py") as watch:
        assert watch.lines(1) == ["open 1"]
        assert watch.end(number, group=False) == (status, "closed 1\n", "")


def test_a_watch_is_not_for_what_runs_nothing(command: Command) -> None:
    command.write("s.py", "")
    done = command.run("--watch", "--check", "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: --check runs nothing" in done.stderr
    gone = command.run("--watch", "gone.py")
    assert (gone.returncode, gone.stderr) == (2, "Error: gone.py: no such script\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT, signal.SIGHUP])
def test_the_run_ends_with_its_watch_however_that_ends(command: Command, number: signal.Signals) -> None:
    command.write("s.py", ENDLESS.replace("{version}", "1"))
    with watching(command, "s.py") as watch:
        assert watch.lines(1) == ["open 1"]
        code, out, err = watch.end(number, group=False)
        assert (code in (-number, 128 + number), out, err) == (True, "closed 1\n", "")


def test_a_run_that_does_not_stop_is_killed_though_its_watch_is_gone(command: Command) -> None:
    command.write(
        "s.py",
        """
        import time
        def main(factory):
            print("begun", flush=True)
            while True:
                try:
                    time.sleep(1000)
                except BaseException:
                    print("goes on", flush=True)
        """,
    )
    with watching(command, "-D", "task.cancellation.timeout=100 ms", "s.py") as watch:
        assert watch.lines(1) == ["begun"]
        assert watch.end(signal.SIGKILL, group=False) == (-signal.SIGKILL, "goes on\n", "")


def test_a_hangup_that_is_ignored_ends_nothing(command: Command) -> None:
    script = command.write("s.py", ENDLESS.replace("{version}", "1"))
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with watching(command, "s.py") as watch:
            assert watch.lines(1) == ["open 1"]
            os.killpg(watch.process.pid, signal.SIGHUP)
            save_atomically(script, script.read_text().replace("1", "2"))
            assert watch.lines(2) == ["closed 1", "open 2"]
            assert watch.end() == (130, "closed 2\n", "Watch: changed: s.py\n")
    finally:
        signal.signal(signal.SIGHUP, earlier)


def test_a_link_that_leads_to_another_release_runs_it(command: Command) -> None:
    for version in ("1", "2"):
        command.write(f"release{version}/s.py", PRINTING.format(version=version))
    current = command.directory / "current"
    current.symlink_to("release1")
    with watching(command, "current/s.py") as watch:
        assert watch.lines(1) == ["version 1"]
        watch.told("waiting for a change\n")
        other = command.directory / "other"
        other.symlink_to("release2")
        other.replace(current)
        assert watch.lines(1) == ["version 2"]
        assert watch.told("finished") == (
            "Watch: changed: current/s.py\nWatch: current/s.py finished; waiting for a change\n"
        )


# Goes on from the number that it has got to; tells where it begins.
COUNTING = """
    import time
    from org.apache.flink.streaming.api.functions.source import SourceFunction
    class Counting(SourceFunction):
        def __init__(self):
            self.next = 0
            self.running = True
        def run(self, ctx):
            print("from", self.next, flush=True)
            while self.running:
                with ctx.get_checkpoint_lock():
                    ctx.collect(self.next)
                    self.next += 1
                time.sleep(0.001)
        def cancel(self):
            self.running = False
        def snapshot_state(self):
            return self.next
        def restore_state(self, state):
            self.next = state
    def change(n):
        return n + {version}
    def main(factory):
        env = factory.get_execution_environment()
        env.create_python_source(Counting()).uid("numbers").map(change).write_as_text("numbers")
        env.execute()
"""


def test_the_next_run_resumes_from_the_savepoint_of_the_change(command: Command) -> None:
    script = command.write("s.py", COUNTING.replace("{version}", "0"))
    text = script.read_text()
    with watching(command, "--stop-with-savepoint", "saved", "s.py") as watch:
        assert watch.lines(1) == ["from 0"]
        save_atomically(script, text.replace("n + 0", "n + 1_000_000"))
        (begin,) = watch.lines(1)
        (savepoint,) = [line for line in watch.told("resuming from").splitlines() if line.startswith("Savepoint: ")]
        first = int(begin.removeprefix("from "))
        # What cannot run leaves the savepoint to the next change.
        save_atomically(script, text.replace("return n + 0", "return n + missing"))
        told = watch.told("waiting for a change")
        second = int(watch.lines(1)[0].removeprefix("from "))
        assert "NameError" in told
        assert f"s.py ended with status 1; waiting for a change to resume from {command.directory}/saved/" in told
        save_atomically(script, text.replace("n + 0", "n + 2_000_000"))
        assert watch.lines(1) == [f"from {second}"]
        code, out, err = watch.end()
        assert (code, out) == (130, "")
        assert "Savepoint: " in err
        assert savepoint not in err
    numbers = [int(line) for line in (command.directory / "numbers").read_text().splitlines()]
    changed = [n + (n >= first) * 1_000_000 + (n >= second) * 1_000_000 for n in range(len(numbers))]
    assert second >= first
    assert numbers == changed


def test_a_script_that_cannot_resume_is_told_and_the_next_change_waited_for(command: Command) -> None:
    script = command.write("s.py", COUNTING.replace("{version}", "0"))
    text = script.read_text()
    with watching(command, "--stop-with-savepoint", "saved", "s.py") as watch:
        assert watch.lines(1) == ["from 0"]
        save_atomically(script, text.replace('uid("numbers")', 'uid("others")'))
        told = watch.told("waiting for a change to resume from")
        assert "is of another job, 'Flink Streaming Job': none of its operators is in this one" in told
        save_atomically(script, text.replace("n + 0", "n + 1"))
        (begin,) = watch.lines(1)
        assert begin.startswith("from ")
        assert watch.end()[0] == 130


def test_a_run_that_comes_to_its_end_is_followed_by_one_from_the_beginning(command: Command) -> None:
    script = command.write(
        "s.py", COUNTING.replace("{version}", "0").replace('.write_as_text("numbers")', ".filter(lambda n: False)")
    )
    text = script.read_text()
    with watching(command, "--stop-with-savepoint", "saved", "s.py") as watch:
        assert watch.lines(1) == ["from 0"]
        save_atomically(script, text.replace("while self.running", "while False"))
        assert watch.lines(1)[0].startswith("from ")
        assert watch.told("finished").endswith("s.py finished; waiting for a change\n")
        save_atomically(script, text)
        assert watch.lines(1) == ["from 0"]
