"""The live view in a terminal as people have it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from tmux import Tmux

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from launched import Command

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")

SLOW = """
    import os, time
    def main(factory):
        env = factory.get_execution_environment()
        def slow(number):
            time.sleep(0.004)
            while number == {held} and not os.path.exists("seen"):
                time.sleep(0.004)
            return number
        numbers = env.generate_sequence(0, {last}).name("numbers").rebalance().union(env.from_elements().name("none"))
        numbers.map(slow).name("slow").map(lambda number: f"record {{number}} " + "x" * 90).output()
        env.execute("Slow job")
"""


def slow(last: int, held: bool = False) -> str:
    """A job with a record every 4 ms; if it is ``held``, it waits in the middle for the file ``seen``."""
    return SLOW.format(last=last, held=last // 2 if held else None)


@pytest.fixture
def tmux(command: Command) -> Iterator[Callable[..., Tmux]]:
    opened: list[Tmux] = []

    def open_tmux(columns: int, rows: int = 24) -> Tmux:
        opened.append(Tmux(command, columns, rows))
        return opened[-1]

    yield open_tmux
    for each in opened:
        each.close()


def shows(*words: str) -> Callable[[list[str]], bool]:
    return lambda rows: any(row.split() == list(words) for row in rows)


def shows_width(rows: list[str], columns: int) -> bool:
    """Whether a view for so many columns is visible: its last line differs for each width."""
    return any(row.startswith(" numbers ") and 0 <= columns - len(row) <= 30 for row in rows)


@pytest.mark.parametrize(
    ("columns", "titles", "names"),
    [
        (80, ["task", "×", "in", "out", "rec/s", "busy", "backpr."], "slow → Map → output"),
        (140, ["task", "×", "in", "out", "rec/s", "busy", "backpr."], "slow → Map: <lambda> → Sink: output()"),
    ],
)
def test_the_view_fits_the_terminal_and_records_stay_whole(
    command: Command, tmux: Callable[..., Tmux], columns: int, titles: list[str], names: str
) -> None:
    command.write("s.py", slow(400, held=True))
    terminal = tmux(columns)

    # Given a job that writes its records to the terminal, some of them longer than a row
    terminal.type("$pyflink s.py")
    rows = terminal.wait_for(lambda rows: shows(*titles)(rows) and rows[-1].startswith(" numbers  ━"))

    # Then the view is the last that is seen
    view = next(number for number, row in enumerate(rows) if row.startswith(" Slow job  running  "))
    tasks = rows[view + 2 : -1]
    assert [any(row.startswith(f" {name} ") for row in tasks) for name in ("numbers", "none", names)] == [True] * 3
    assert len(tasks) == 3
    assert re.search(r"\d+% +(\d:\d\d left)? +\d+ of 401$", rows[-1])
    command.write("seen", "")

    # And at the end all records are there, and one line
    terminal.wait_for(lambda rows: rows[-1] == "$")
    prompt, *records, outcome, _ = terminal.lines
    assert prompt == "$ $pyflink s.py"
    assert sorted(records) == sorted(f"record {number} " + "x" * 90 for number in range(401))
    assert re.fullmatch(r"Slow job finished: 401 records in, 401 out, \d+\.\d+ s, \d+/s", outcome)


def test_it_follows_the_size_and_leaves_nothing_behind(command: Command, tmux: Callable[..., Tmux]) -> None:
    command.write("s.py", slow(100_000).replace(".output()", ".add_sink(bool)"))
    terminal = tmux(80)
    # With a screen that is full, as most are
    terminal.type("seq 40; $pyflink -p 2 s.py")
    short, long = " slow → Map → bool  ", " slow → Map: <lambda> → Sink: bool  "
    terminal.wait_for(lambda rows: any(row.startswith(short) for row in rows))
    for columns, rows, name in ((140, 40, long), (80, 24, short), (120, 12, long), (52, 24, short), (100, 24, long)):
        terminal.resize(columns, rows)
        seen = terminal.wait_for(lambda rows, name=name: any(row.startswith(name) for row in rows))
        # Nothing of the views before is left, whose lines have been broken
        view = seen.index("40") + 2
        assert [row.split("  ")[0] for row in seen[view : view + 2]] == [" Slow job", " task"]
        assert len(seen) == view + 6

    # Ctrl-C leaves one line, without anything of the views
    terminal.press("C-c")
    terminal.wait_for(lambda rows: rows[-1] == "$")
    typed, *before, outcome, _ = terminal.lines
    assert typed == "$ seq 40; $pyflink -p 2 s.py"
    assert before == [*map(str, range(1, 41))]
    assert re.match(r"Slow job was stopped: [\d,]+ records in, [\d,]+ out, ", outcome)
    terminal.type("echo status $?")
    terminal.wait_for(lambda rows: "status 130" in rows)


def test_records_stay_whole_while_the_size_changes(command: Command, tmux: Callable[..., Tmux]) -> None:
    command.write("s.py", slow(1000, held=True))
    terminal = tmux(120)
    terminal.type("$pyflink s.py")
    terminal.wait_for(lambda rows: rows[-1].startswith(" numbers  "))
    for columns in (80, 100, 60, 120):
        terminal.resize(columns)
        terminal.wait_for(lambda rows, columns=columns: shows_width(rows, columns))
    command.write("seen", "")
    terminal.wait_for(lambda rows: rows[-1] == "$")
    records = [line for line in terminal.lines if line.startswith("record ")]
    assert sorted(records) == sorted(f"record {number} " + "x" * 90 for number in range(1001))


CHILDREN = """
    import os, time
    def main(factory):
        env = factory.get_execution_environment()
        def slow(number):
            time.sleep(0.01)
            if number % 100 == 50:
                os.system(f"echo child {number}")
            return number
        env.generate_sequence(1, 400).map(slow).add_sink(bool)
        env.execute("Slow job")
"""


def test_what_other_programs_write_is_not_lost(command: Command, tmux: Callable[..., Tmux]) -> None:
    command.write("s.py", CHILDREN)
    terminal = tmux(80)
    terminal.type("$pyflink s.py")
    terminal.wait_for(lambda rows: rows[-1] == "$")
    assert terminal.lines[1:-2] == [f"child {number}" for number in (50, 150, 250, 350)]
    assert terminal.lines[-2].startswith("Slow job finished: ")


def test_a_job_that_is_stopped_leaves_the_screen_to_the_shell(command: Command, tmux: Callable[..., Tmux]) -> None:
    command.write("s.py", slow(100_000).replace(".output()", ".add_sink(bool)"))
    terminal = tmux(80)
    terminal.type("set -m; $pyflink s.py")
    terminal.wait_for(lambda rows: any(row.startswith(" Slow job  running") for row in rows))
    terminal.press("C-z")
    stopped = terminal.wait_for(lambda rows: rows[-1] == "$")
    assert not any(" Slow job" in row or "rec/s" in row for row in stopped)

    # In the background it draws nothing
    terminal.type("bg; sleep 1; jobs; echo a b | tr ' ' -")
    rows = terminal.wait_for(lambda rows: "a-b" in rows)
    assert any("Running" in row for row in rows)
    assert not any("rec/s" in row for row in rows)

    # And in front again, below what has been written meanwhile
    terminal.type("fg")
    rows = terminal.wait_for(lambda rows: any(row.startswith(" Slow job  running") for row in rows))
    assert rows.index("a-b") < next(number for number, row in enumerate(rows) if row.startswith(" Slow job"))
    terminal.press("C-c")
    terminal.wait_for(lambda rows: rows[-1] == "$")


def test_records_that_nobody_reads_any_more_end_the_job_quietly(command: Command, tmux: Callable[..., Tmux]) -> None:
    """Without a view, too, as it could not know what another process writes on the same terminal."""
    command.write("s.py", slow(100_000))
    terminal = tmux(120)
    terminal.type("$pyflink s.py | (sleep 1; head -3)")
    terminal.wait_for(lambda rows: len(rows) > 1 and rows[-1] == "$")
    typed, *records, _ = terminal.lines
    assert typed == "$ $pyflink s.py | (sleep 1; head -3)"
    assert records == [f"record {number} " + "x" * 90 for number in range(3)]


def test_a_view_that_is_asked_for_is_shown_whatever_becomes_of_the_records(
    command: Command, tmux: Callable[..., Tmux]
) -> None:
    command.write("s.py", slow(100_000))
    terminal = tmux(80)
    terminal.type("$pyflink --progress always s.py | wc -l")
    terminal.wait_for(lambda rows: any(row.startswith(" slow → Map → output  ") for row in rows))
    terminal.press("C-c")
    terminal.wait_for(lambda rows: rows[-1] == "$")
