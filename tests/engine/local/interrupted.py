"""A job that is stopped in the middle of its input, and what it writes when it resumes to the end."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

from launched import PATIENCE, wait_until
from recoverable import lines_of

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from here import Here
    from launched import Done

LINES = 700
# A text file in; a loop, windows of event time and rolling results of keys; text files out.
PROGRAM = """
    import slow
    from org.apache.flink.streaming.api import TimeCharacteristic
    from org.apache.flink.streaming.api.functions.timestamps import BoundedOutOfOrdernessTimestampExtractor

    class Hundredths(BoundedOutOfOrdernessTimestampExtractor):
        def extractTimestamp(self, number):
            return number * 10

    def main(factory):
        env = factory.get_execution_environment()
        env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
        numbers = env.read_text_file("numbers").map(slow.parse).assign_timestamps_and_watermarks(Hundredths(500))
        numbers.key_by(lambda n: n % 3).time_window(1000, 500).apply(
            lambda key, window, values, out: out.collect((key, window.start, sum(values)))
        ).write_as_text("windows")
        loop = numbers.map(lambda n: (n, n % 10 + 1)).iterate()
        body = loop.key_by(lambda pair: pair[0] % 7).reduce(lambda a, b: b).map(lambda pair: (pair[0], pair[1] - 1))
        loop.close_with(body.filter(lambda pair: pair[1] > 0).rebalance())
        gone_round = body.filter(lambda pair: not pair[1])
        gone_round.map(lambda pair: (pair[0] % 5, 1)).key_by(lambda pair: pair[0]).reduce(
            lambda a, b: (a[0], a[1] + b[1])
        ).write_as_text("counts")
        env.execute()
"""
# Tells when it is in the midst of it, and is not soon at its end from there.
SLOW = """
    import os, time
    calls = 0
    def parse(line):
        global calls
        calls += 1
        if calls == 100:
            open(f"begun-{os.getpid()}", "w").close()
        # Ever longer, so that the rest of few lines takes half a minute, too.
        time.sleep(min(0.5, 0.05 * 1.02 ** (calls - 100)) if calls >= 100 and not os.path.exists("hurry") else 0.001)
        return int(line)
"""


class Numbers:
    """Starts a job on a file of numbers, resumes it in this process, and looks at what the job makes of them."""

    def __init__(self, here: Here) -> None:
        self.launcher = here
        self.directory = here.directory
        self.savepoints = self.directory / "savepoints"
        here.write("slow.py", SLOW)
        here.write("numbers", "".join(f"{number}\n" for number in range(LINES)))

    def start(self, *args: str | int, script: str = PROGRAM, workers: int = 1) -> subprocess.Popen[str]:
        """A job with so many ``workers`` in the middle of their input."""
        # Those of a job before this one: of its workers, one may have come to the middle while it was being stopped.
        for mark in self.marks():
            mark.unlink()
        process = self.launcher.start(script, *args)
        assert wait_until(lambda: len(self.marks()) >= workers or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        return process

    def marks(self) -> list[Path]:
        return list(self.directory.glob("begun-*"))

    def stop(self, process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
        """Stops a job with a savepoint; returns its path."""
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out, len(said(err))) == (0, "", 1), err
        return savepoint_named_in(err)

    def run(self, *args: str | int) -> Done:
        """A program to its end, as fast as it can."""
        (self.directory / "slow.py").write_text("def parse(line):\n    return int(line)\n")
        return self.launcher.run(*args)

    def go_on(self, *args: str | int) -> None:
        done = self.run(PROGRAM, *args)
        assert (done.code, done.lines, done.err) == (0, [], ""), done.err

    def expect_exact_results(self) -> None:
        expected: Counter[tuple[int, int]] = Counter()
        for number in range(LINES):
            start = number * 10 // 500 * 500
            expected.update({(number % 3, start): number, (number % 3, start - 500): number})
        windows = sorted(str((*key, total)) for key, total in expected.items())
        assert sorted(lines_of(self.directory / "windows")) == windows
        counts = [str((key, rank)) for key in range(5) for rank in range(1, LINES // 5 + 1)]
        assert sorted(lines_of(self.directory / "counts")) == sorted(counts)


def said(err: str) -> list[str]:
    """The lines on standard error, but for the one that says that a savepoint takes long."""
    return [line for line in err.splitlines() if not line.startswith("Waiting for the savepoint")]


def savepoint_named_in(err: str) -> str:
    (path,) = (line.removeprefix("Savepoint: ") for line in err.splitlines() if line.startswith("Savepoint: "))
    return path
