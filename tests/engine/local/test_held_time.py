"""Event time of files that hold records of the same time: held, none of them makes the records of another late."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, kill_quietly, wait_until

if TYPE_CHECKING:
    from here import Here

HOURS, RECORDS = 12, 600
# In each file, times go from the first hour to the last.
PROGRAM = """
import os, time
from org.apache.flink.streaming.api import TimeCharacteristic
from org.apache.flink.streaming.api.functions import AssignerWithPunctuatedWatermarks
from org.apache.flink.streaming.api.watermark import Watermark

class Exact(AssignerWithPunctuatedWatermarks):
    def extractTimestamp(self, value, previous):
        return value
    def checkAndGetNextWatermark(self, value, timestamp):
        return Watermark(timestamp - 1)

read = 0
def parse(line):
    global read
    read += 1
    if read == {mark}:
        open(f"begun-{{os.getpid()}}", "w").close()
    if {mark}:
        # Not soon at its end from there.
        time.sleep(0.001 if read < {mark} else 0.05)
    return int(line)

def with_read(pair):
    return (*pair, read)

def main(factory):
    env = factory.get_execution_environment()
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    times = env.read_text_file("{path}").map(parse){way}.assign_timestamps_and_watermarks(Exact())
    hours = times.map(lambda time: (time // 1000, 1)).key_by(lambda pair: pair[0]).time_window(1000)
    hours.reduce(lambda one, other: (one[0], one[1] + other[1])){sink}
    env.execute()
"""
HELD = ("-D", "source.file.hold-watermarks=true")


def program(path: str = "hours", way: str = "", mark: int = 0, sink: str = ".output()") -> str:
    return PROGRAM.format(path=path, way=way, mark=mark, sink=sink)


@pytest.fixture
def files(here: Here) -> Here:
    """Three files of the same hours in a directory, and one of three times as many records."""
    (here.directory / "hours").mkdir()
    for name, step, offset in (("hours/a", 3, 0), ("hours/b", 3, 1), ("hours/c", 3, 2), ("one", 1, 0)):
        numbers = range(offset, 3 * RECORDS, step)
        times = (number * HOURS * 1000 // (3 * RECORDS) for number in numbers)
        here.write(name, "".join(f"{time}\n" for time in times))
    return here


def expect_all(lines: list[str]) -> None:
    found = Counter[int]()
    for line in lines:
        hour, count = re.findall(r"\d+", line.rpartition("> ")[2])
        found[int(hour)] += int(count)
    assert found == dict.fromkeys(range(HOURS), 3 * RECORDS // HOURS)
    assert len(lines) == HOURS, "each window fires once"


@pytest.mark.parametrize("options", [("-p", 1), ("-p", 3), ("-p", 4), ("--local-debug",)])
@pytest.mark.parametrize("path", ["hours", "one"])
@pytest.mark.parametrize("way", ["", ".rebalance()"])
def test_with_time_held_files_lose_no_record_at_any_parallelism(
    files: Here, path: str, way: str, options: tuple[str | int, ...]
) -> None:
    expect_all(files.lines(program(path, way), *HELD, *options))


def test_files_of_the_same_time_lose_records_without_it_and_the_remedy_is_named(files: Here) -> None:
    done = files.run(program())
    assert done.code == 0
    # What the second and third file have, but for the last hour, which is open until the end.
    late = 2 * RECORDS * (HOURS - 1) // HOURS
    assert re.search(rf" dropped {late:,} late records: files .* -D source\.file\.hold-watermarks=true;", done.err)


@pytest.mark.parametrize(("path", "unheld"), [("one", 0), ("hours", 2 * RECORDS)])
def test_the_time_of_the_last_file_is_not_held(files: Here, path: str, unheld: int) -> None:
    """What was read when each window fired: of the last file as many hours as have passed there."""
    lines = files.lines(program(path, sink=".map(with_read).output()"), *HELD)
    found = [tuple(map(int, re.findall(r"\d+", line))) for line in lines]
    last = 3 * RECORDS - unheld
    first_of_next = [unheld + last * hour // HOURS + 1 for hour in range(1, HOURS)]
    assert found == [(hour, 150, read) for hour, read in enumerate([*first_of_next, 3 * RECORDS])]


@pytest.mark.parametrize("path", ["hours", "one"])
@pytest.mark.parametrize(("first", "second"), [(1, 3), (3, 2), (2, 1)])
def test_with_time_held_a_resumed_job_loses_no_record(files: Here, path: str, first: int, second: int) -> None:
    sink = '.write_as_text("out")'
    process = files.start(program(path, mark=200, sink=sink), "-p", first, *HELD, "--stop-with-savepoint", "savepoints")
    try:
        assert wait_until(lambda: any(files.directory.glob("begun-*")) or process.poll() is not None)
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    [savepoint] = re.findall("Savepoint: (.*)", err)
    assert files.lines(program(path, sink=sink), "-p", second, *HELD, "-s", savepoint) == []
    out = files.directory / "out"
    parts = [out] if out.is_file() else sorted(out.iterdir())
    expect_all([line for part in parts for line in part.read_text().splitlines()])
