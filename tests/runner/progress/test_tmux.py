"""The live view in a terminal as people have it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from tmux import Tmux

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Command

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")

SLOW = """
    import time
    def main(factory):
        env = factory.get_execution_environment()
        def slow(number):
            time.sleep(0.004)
            return number
        numbers = env.generate_sequence(0, {last}).name("numbers").rebalance().union(env.from_elements().name("none"))
        numbers.map(slow).name("slow").map(lambda number: f"record {{number}} " + "x" * 90).output()
        env.execute("Slow job")
"""


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
    command.write("s.py", SLOW.format(last=400))
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

    # And at the end all records are there, and one line
    terminal.wait_for(lambda rows: rows[-1] == "$")
    prompt, *records, outcome, _ = terminal.lines
    assert prompt == "$ $pyflink s.py"
    assert sorted(records) == sorted(f"record {number} " + "x" * 90 for number in range(401))
    assert re.fullmatch(r"Slow job finished: 401 records in, 401 out, \d+\.\d+ s, \d+/s", outcome)


def test_it_follows_the_size_and_leaves_nothing_behind(command: Command, tmux: Callable[..., Tmux]) -> None:
    command.write("s.py", SLOW.format(last=100_000).replace(".output()", ".add_sink(bool)"))
    terminal = tmux(80)
    terminal.type("$pyflink -p 2 s.py")
    terminal.wait_for(lambda rows: any(row.startswith(" slow → Map → bool  ") for row in rows))
    for columns, rows in ((140, 40), (100, 12), (120, 24)):
        terminal.resize(columns, rows)
        terminal.wait_for(lambda rows: any(row.startswith(" slow → Map: <lambda> → Sink: bool  ") for row in rows))

    # Ctrl-C leaves one line, without anything of the views
    terminal.press("C-c")
    terminal.wait_for(lambda rows: rows[-1] == "$")
    typed, outcome, _ = terminal.lines
    assert typed.startswith("$ $pyflink -p 2 s.py")
    assert re.match(r"(\^C)?Slow job was stopped: [\d,]+ records in, [\d,]+ out, ", outcome)
    terminal.type("echo status $?")
    terminal.wait_for(lambda rows: "status 130" in rows)


def test_records_that_nobody_reads_any_more_end_the_job_quietly(command: Command, tmux: Callable[..., Tmux]) -> None:
    """Without a view, too, as it could not know what another process writes on the same terminal."""
    command.write("s.py", SLOW.format(last=100_000))
    terminal = tmux(120)
    terminal.type("$pyflink s.py | (sleep 1; head -3)")
    terminal.wait_for(lambda rows: len(rows) > 1 and rows[-1] == "$")
    typed, *records, _ = terminal.lines
    assert typed == "$ $pyflink s.py | (sleep 1; head -3)"
    assert records == [f"record {number} " + "x" * 90 for number in range(3)]


def test_a_view_that_is_asked_for_is_shown_whatever_becomes_of_the_records(
    command: Command, tmux: Callable[..., Tmux]
) -> None:
    command.write("s.py", SLOW.format(last=100_000))
    terminal = tmux(80)
    terminal.type("$pyflink --progress always s.py | wc -l")
    terminal.wait_for(lambda rows: any(row.startswith(" slow → Map → output  ") for row in rows))
    terminal.press("C-c")
    terminal.wait_for(lambda rows: rows[-1] == "$")
