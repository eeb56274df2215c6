"""The live view of real jobs on a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from screens import Screen, Session, without_control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from launched import Command

SLOW = """
    import os, time
    def main(factory):
        env = factory.get_execution_environment()
        def slow(number):
            time.sleep(0.01)
            while number == {held} and not os.path.exists("seen"):
                time.sleep(0.01)
            return number
        numbers = env.generate_sequence(1, {count}).name("numbers").rebalance().union(env.from_elements(0))
        numbers.map(slow).name("slow").map(lambda number: f"record {{number}} of many").output()
        env.execute("Slow job")
"""


def slow(count: int, held: bool = False) -> str:
    """A job with a record every 10 ms; if it is ``held``, it waits in the middle for the file ``seen``."""
    return SLOW.format(count=count, held=count // 2 if held else None)


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.close()


def test_the_view_stays_below_the_records_and_leaves_one_line(command: Command, screen: Screen) -> None:
    command.write("s.py", slow(150, held=True))
    session = Session(command, "s.py", screen=screen)

    # Given a job that runs, with some output
    rows = session.wait_for(lambda rows: " numbers" in rows[-1] and rows[0].startswith("record "))

    # Then the records stand above the view
    view = rows.index(next(row for row in rows if row.startswith(" Slow job  running")))
    assert all(re.fullmatch(r"record \d+ of many", row) for row in rows[: view - 1])
    assert rows[view - 1] == ""
    assert rows[view + 1].split()[:6] == ["task", "×", "in", "out", "rec/s", "busy"]
    assert rows[-1].startswith(" numbers  ")
    command.write("seen", "")

    # And at the end nothing but records and one line, whatever has scrolled away
    assert session.finish() == 0
    records = screen.lines[:-1]
    assert sorted(records) == sorted(f"record {number} of many" for number in range(151))
    assert re.fullmatch(r"Slow job finished: 151 records in, 151 out, \d+\.\d+ s, \d+/s", screen.lines[-1])
    assert b"\x1b[1;32mSlow job finished\x1b[0m" in screen.raw


def test_the_slow_task_is_seen_to_be_busy_and_its_source_to_be_held_up(command: Command, screen: Screen) -> None:
    command.write("s.py", slow(10_000))
    session = Session(command, "s.py", "-p", "2", screen=screen)

    def is_seen(rows: list[str]) -> bool:
        slow = next((row for row in rows if row.startswith(" slow → ")), "")
        numbers = next((row for row in rows if row.startswith(" numbers  ") and "×2" in row), "")
        shares = [[int(share) for share in re.findall(r"(\d+)%", row)] for row in (slow, numbers)]
        return all(len(share) == 2 for share in shares) and shares[0][0] > 80 and shares[1][1] > 80

    session.wait_for(is_seen)
    screen.press("\x03")
    assert session.finish() == 130
    assert screen.lines[-1].startswith("Slow job was stopped: ")


def test_the_view_follows_the_size_of_the_terminal(command: Command, screen: Screen) -> None:
    command.write("s.py", slow(10_000))
    session = Session(command, "s.py", screen=screen)
    session.wait_for(lambda rows: any("backpr." in row for row in rows))

    screen.resize(140, 24)
    session.wait_for(lambda rows: any("slow → Map: <lambda> → Sink: output()" in row for row in rows))
    screen.resize(45, 10)
    session.wait_for(lambda rows: any(row.split() == ["task", "in", "rec/s", "busy"] for row in rows))

    screen.press("\x03")
    assert session.finish() == 130


PRINTING = """
    import logging, sys, time
    def main(factory):
        env = factory.get_execution_environment()
        def slow(number):
            print("printed", number)
            print("complained", number, file=sys.stderr)
            if number == 30:
                logging.warning("worried")
            time.sleep(0.02)
            return "x" * 30 + f" {number}"
        env.generate_sequence(1, 60).map(slow).output()
        print("begun ...", end=" ", flush=True)
        env.execute()
        print("done")
"""


def test_what_the_script_prints_stays_whole(command: Command, screen: Screen) -> None:
    command.write("s.py", PRINTING)
    session = Session(command, "s.py", screen=screen)
    assert session.finish() == 0
    lines = screen.lines
    assert lines[0].startswith("begun ... ")
    lines[0] = lines[0].removeprefix("begun ... ")
    for number in range(1, 61):
        for line in (f"printed {number}", f"complained {number}", "x" * 30 + f" {number}"):
            assert lines.count(line) == 1
    assert sum(line.endswith(": worried") for line in lines) == 1
    assert len(lines) == 3 * 60 + 3
    assert lines[-1] == "done"


def test_the_outcome_has_a_line_of_its_own(command: Command, screen: Screen) -> None:
    command.write("s.py", QUICK.replace(".output()", ".add_sink(lambda n: print(n, end=' ', flush=True))"))
    assert Session(command, "s.py", screen=screen).finish() == 0
    assert [re.sub(r"out, .*", "out", line) for line in screen.lines] == [
        *("0 1 2", "Job 0 finished: 3 records in, 3 out"),
        *("0 1 2", "Job 1 finished: 3 records in, 3 out"),
    ]


QUICK = """
    def main(factory):
        for number in range(2):
            env = factory.get_execution_environment()
            env.from_elements(*range(3)).output()
            env.execute(f"Job {number}")
"""


def played(command: Command) -> Screen:
    """What the script has shown at its end."""
    screen = Screen()
    assert Session(command, "s.py", screen=screen, NO_COLOR="1").finish() == 0
    screen.close()
    return screen


def test_a_short_job_shows_no_view_and_each_job_has_its_line(command: Command) -> None:
    command.write("s.py", QUICK)
    screen = played(command)
    for _ in range(10):
        # On a busy machine even these take longer than short jobs do.
        if max(map(float, re.findall(r"out, (\S+) s", "\n".join(screen.lines)))) < 0.5:
            break
        screen = played(command)
    assert b"\x1b" not in screen.raw
    assert [re.sub(r"out, .*", "out", line) for line in screen.lines] == [
        *("0", "1", "2", "Job 0 finished: 3 records in, 3 out"),
        *("0", "1", "2", "Job 1 finished: 3 records in, 3 out"),
    ]


def test_the_view_makes_way_for_the_report_of_a_failure(command: Command, screen: Screen) -> None:
    command.write("s.py", slow(10_000).replace("return number", "return number / (number != 90)"))
    assert Session(command, "s.py", screen=screen).finish() == 1
    end = next(index for index, line in enumerate(screen.lines) if line.startswith("Slow job failed: "))
    assert not any(" Slow job  running" in line for line in screen.lines)
    assert any("ZeroDivisionError" in line for line in screen.lines[end + 1 :])


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_nothing_is_drawn_where_it_cannot_be_or_is_not_wanted(command: Command, screen: Screen, term: str) -> None:
    command.write("s.py", slow(80))
    options = ("--progress", "never") if term != "dumb" else ()
    assert Session(command, "s.py", *options, screen=screen, TERM=term).finish() == 0
    assert b"\x1b" not in screen.raw
    assert len(without_control(screen.raw).splitlines()) == 81


def test_nothing_is_said_where_there_is_no_terminal(command: Command) -> None:
    command.write("s.py", slow(60))
    done = command.run("s.py")
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 61)


@pytest.mark.parametrize("option", ["--progress=always", "-v"])
def test_asked_for_the_outcome_is_said_also_where_there_is_no_terminal(command: Command, option: str) -> None:
    command.write("s.py", QUICK)
    done = command.run(option, "s.py")
    assert done.stdout.splitlines() == ["0", "1", "2"] * 2
    outcomes = [re.sub(r"^.*\]: ", "", line) for line in done.stderr.splitlines() if " records in" in line]
    assert [re.sub(r"out, .*", "out", line) for line in outcomes] == [
        "Job 0 finished: 3 records in, 3 out",
        "Job 1 finished: 3 records in, 3 out",
    ]
