"""Every way in which a worker can fail, in every place where user code runs.

Whatever happens, the job fails soon, says why and where, and leaves no process and no file behind.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from launched import alive, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Done, Launcher

# Crashes in the way of its first argument at the place of its second, once some records have passed there.
CRASHING = """
    import ctypes, os, resource, sys
    from org.apache.flink.api.common.functions import RichMapFunction
    from org.apache.flink.streaming.api.functions.sink import SinkFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction

    WAY, PLACE = sys.argv[1:3]

    class Endless:
        def __repr__(self):
            return repr(self)  # line 10

    def crash(place):
        if place != PLACE:
            return
        if WAY == "exception":
            raise ValueError("boom")  # line 16
        elif WAY == "exit":
            sys.exit(3)  # line 18
        elif WAY == "c-exit":
            os._exit(3)
        elif WAY == "segfault":
            ctypes.string_at(0)  # line 22
        elif WAY == "stack":
            sys.setrecursionlimit(10**6)
            repr(Endless())
        elif WAY == "memory":
            size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, size + 2**26))
            hoard = []
            while True:
                hoard.append(bytes(1000))  # line 31

    class Record:
        def __init__(self, number):
            self.number = number
        def __getstate__(self):
            if self.number == 7:
                crash("pickling")
            return (self.number,)
        def __setstate__(self, state):
            self.number, = state
            if self.number == 7:
                crash("unpickling")

    class Numbers(SourceFunction):
        def run(self, ctx):
            for number in range(20):
                ctx.collect(Record(number))
            crash("source")
        def cancel(self):
            pass

    class Opened(RichMapFunction):
        def open(self, config):
            with open("pids", "a") as file:
                print(os.getpid(), file=file)
            crash("open")
        def close(self):
            crash("close")
        def map(self, record):
            if record.number == 7:
                crash("function")
            return record

    class Into(SinkFunction):
        def invoke(self, record):
            if record.number == 7:
                crash("sink")

    def key(record):
        if record.number == 7:
            crash("key")
        return record.number % 2

    def main(factory):
        env = factory.get_execution_environment()
        records = env.create_python_source(Numbers()).rebalance().map(Opened()).name("opened")
        records.key_by(key).reduce(lambda a, b: b).name("reduced").rebalance().add_sink(Into()).name("into")
        env.execute()
"""

PLACES = ["function", "open", "close", "key", "source", "sink", "pickling", "unpickling"]
# What is said of each, and the line of the program that is shown where one is.
WAYS = {
    "exception": ("ValueError: boom", 16),
    "exit": ("SystemExit: 3", 18),
    "c-exit": ("exit status 3", None),
    "segfault": ("SIGSEGV", 22),
    # Whether the interpreter notices in time, or has stack left to show where it was, depends on its version.
    "stack": ("RecursionError|SIGSEGV", None),
    "memory": ("MemoryError", 31),
}


def check(done: Done, directory: Path, way: str, place: str) -> None:
    words, line = WAYS[way]
    if (way, place) == ("memory", "source"):
        # Sources have threads of their own, and which thread of the process lacks memory first is chance.
        line = None
    assert done.code == 1, done.err
    assert any(word in done.err for word in words.split("|")), done.err
    if line is not None:
        assert f"line {line}" in done.err
    # The interpreter itself shows the 100 innermost calls of each process that a signal has stopped.
    assert len(done.err.splitlines()) < (250 if way == "stack" else 60)
    pids = [int(pid) for pid in (directory / "pids").read_text().split()]
    assert wait_until(lambda: not any(map(alive, pids)))
    assert list((directory / "tmp").iterdir()) == []


# A failure that only shows when a limit has passed would take forever.
PROMPT = ("-D", "heartbeat.timeout=1 h", "-D", "task.cancellation.timeout=0")
# One for each way and each place; the others are long.
OFTEN = {("exception", "unpickling"), ("exit", "key"), ("c-exit", "pickling"), ("segfault", "sink")}
OFTEN |= {("stack", "function"), ("memory", "open"), ("exception", "source"), ("c-exit", "close")}
MATRIX = [
    pytest.param(way, place, marks=() if (way, place) in OFTEN else pytest.mark.long)
    for way in WAYS
    for place in PLACES
]


@pytest.mark.parametrize(("way", "place"), MATRIX)
def test_a_worker_that_crashes_in_any_way_and_place_fails_the_job(launcher: Launcher, way: str, place: str) -> None:
    if way == "memory" and sys.platform == "darwin":
        pytest.skip("the limit on memory is not kept there")
    temporary = launcher.directory / "tmp"
    temporary.mkdir()
    done = launcher.run(CRASHING, "-p", 2, *PROMPT, "-D", f"io.tmp.dirs={temporary}", "-", way, place)
    check(done, launcher.directory, way, place)
