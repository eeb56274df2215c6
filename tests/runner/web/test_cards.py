"""What the page says of each task, and of checkpoints: charts, subtasks, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shown import BUSY, GRAPH, IDLE, running, see
from statuses import graph_of, status_of

from stream_engine.status import CheckpointStatus

if TYPE_CHECKING:
    from browser import Browser
    from shown import Served


def test_a_card_says_each_name_once(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    for card in browser.run("return [...document.querySelectorAll('.task')].map((card) => card.innerText)"):
        assert max(card.count(name) for name in ("numbers", "lines.txt", "longest", "shorten")) <= 1


def test_rates_of_the_last_minutes_are_drawn(browser: Browser, served: Served) -> None:
    start = 1_700_000_000_000
    for second in range(0, 120, 2):
        done = {"records_in": second * second, "busy": 600 * second, "idle": 400 * second}
        served.tell(status_of(GRAPH, done, done, time=start + 1000 * second))
    see(browser, served.server.address)
    (line, busy) = browser.run(
        "const card = document.querySelector('.task');"
        "return [card.querySelector('.line').getAttribute('d'), card.querySelector('.area-busy').getAttribute('d')]"
    )
    heights = [float(point.split(",")[1]) for point in line[1:].split("L")]
    # Ever faster, so ever higher; y counts downwards.
    assert len(heights) == 59
    assert heights[1:] == sorted(heights[1:], reverse=True)
    assert busy.count("L") == 2 * 59 - 1


def measured(served: Served, seconds: int) -> str:
    start = 1_700_000_000_000
    for second in range(0, seconds + 1, 2):
        done = {"records_in": 150 * second, "busy": 600 * second, "backpressured": 300 * second, "idle": 100 * second}
        served.tell(status_of(GRAPH, done, time=start + 1000 * second))
    return served.server.address


def test_charts_have_a_scale_and_a_time_axis(browser: Browser, served: Served) -> None:
    see(browser, measured(served, 100))
    plots = browser.run(
        "return [...document.querySelectorAll('.task')[0].querySelectorAll('.plot')].map((plot) => plot.innerText)"
    )
    assert [plot.split() for plot in plots] == [
        ["500/s", "0", "2", "min", "ago", "now"],
        ["100%", "0", "2", "min", "ago", "now"],
    ]


FIRST_PLOT = "const plot = document.querySelectorAll('.task')[0].querySelectorAll('.area')[1];"
TIP = FIRST_PLOT + "const tip = plot.querySelector('.tip'); return tip.hidden ? null : tip.textContent.split('\\n')"
SHARES = ["busy 60%", "backpressured 30%", "idle 10%"]


@pytest.mark.parametrize("kind", ["mouse", "touch"])
def test_a_chart_tells_its_values_under_the_pointer(browser: Browser, served: Served, kind: str) -> None:
    see(browser, measured(served, 100))
    assert browser.run(TIP) is None
    event = "pointermove" if kind == "mouse" else "pointerdown"
    point = (
        FIRST_PLOT + "const {left, top, width} = plot.getBoundingClientRect();"
        "const place = {clientX: left + width * arguments[2], clientY: top + 5};"
        "plot.dispatchEvent(new PointerEvent(arguments[0], {pointerType: arguments[1], ...place}))"
    )
    browser.run(point, event, kind, 1)
    last = browser.run(TIP)
    assert last[1:] == SHARES
    browser.run(point, event, kind, 0.6)
    earlier = browser.run(TIP)
    assert earlier[1:] == SHARES
    assert earlier[0] != last[0]
    browser.run(FIRST_PLOT + "plot.dispatchEvent(new PointerEvent('pointerleave', {pointerType: arguments[0]}))", kind)
    # A finger that has been lifted may still want to read.
    assert browser.run(TIP) == (None if kind == "mouse" else earlier)


def test_a_chart_tells_its_values_by_the_keyboard_while_others_come(browser: Browser, served: Served) -> None:
    see(browser, measured(served, 100))
    press = FIRST_PLOT + "plot.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))"
    browser.run(FIRST_PLOT + "plot.focus()")
    last = browser.run(TIP)
    assert last[1:] == SHARES
    browser.run(press, "ArrowLeft")
    before = browser.run(TIP)
    assert before[0] != last[0]
    assert browser.run(FIRST_PLOT + "return plot.getAttribute('aria-valuetext')") == ", ".join(before)
    # The page has been brought up to date meanwhile; the focus and the value stay
    served.tell(status_of(GRAPH, {"records_in": 16_000, "busy": 62_000, "idle": 40_000}, time=1_700_000_103_000))
    browser.wait_for("return document.getElementById('facts').innerText", lambda text: "1 m 43 s" in text)
    assert browser.run(FIRST_PLOT + "return document.activeElement === plot")
    assert browser.run(TIP) == before
    browser.run(press, "End")
    assert browser.run(TIP)[0] not in (before[0], last[0])
    browser.run(press, "Escape")
    assert browser.run(TIP) is None


def test_subtasks_are_labelled_and_reached_by_the_keyboard(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    card = (
        "const card = document.querySelectorAll('.task')[1];"
        "const cells = [...card.querySelectorAll('.subtasks button')];"
    )
    assert browser.run(card + "return cells.map((cell) => cell.innerText)") == ["1", "2"]
    # A single stop for the Tab key
    assert browser.run(card + "return cells.map((cell) => cell.tabIndex)") == [0, -1]
    browser.run(
        card
        + "cells[0].focus(); cells[0].dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))"
    )
    assert browser.run(card + "return cells.indexOf(document.activeElement)") == 1
    told = "Subtask 2: 10% busy, 90% backpressured, 1.00k in, 1.00k out"
    assert browser.run(card + "return card.querySelector('.told').textContent") == told
    assert browser.run(card + "return document.activeElement.getAttribute('aria-label')") == told


def test_what_a_single_subtask_does_the_card_tells(browser: Browser, served: Served) -> None:
    see(browser, served.tell(status_of(graph_of(lambda env: env.from_elements(1).output(), parallelism=1))))
    assert "Subtasks" not in browser.run("return document.querySelector('.task').innerText")


def test_late_records_are_shown_where_some_were_dropped(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    assert "Late" not in browser.run("return document.body.innerText")
    browser.run(
        "const known = window.fetch; window.fetch = async (...of) => {"
        "const answer = await known(...of), found = await answer.json();"
        "const late = found.vertices ? [found.vertices[2].live, found.vertices[2].live.subtasks[1]] : [];"
        "late.forEach((each) => { each.numLateRecordsDropped = 7; });"
        "return new Response(JSON.stringify(found)); }"
    )
    browser.wait_for("return document.querySelectorAll('.task')[2].innerText", lambda text: "Late, dropped\n7" in text)
    assert "Late, dropped\n7" in browser.run("return document.getElementById('facts').innerText")
    assert "Late" not in browser.run("return document.querySelectorAll('.task')[1].innerText")
    cell = "document.querySelectorAll('.task')[2].querySelectorAll('.subtasks button')[1]"
    assert browser.run(f"return {cell}.getAttribute('aria-label')").endswith(", 7 late")


def test_a_source_without_an_end_shows_how_far_behind_it_is(browser: Browser, served: Served) -> None:
    lag = {**BUSY, "lag": 700}
    see(browser, served.tell(status_of(GRAPH, IDLE, lag)))
    first, second = browser.run(
        "return [...document.querySelectorAll('.task')].slice(0, 2).map((card) => card.innerText)"
    )
    assert "behind" not in first
    assert "Records behind\n1.40k" in second
    label = "document.querySelectorAll('.task')[1].querySelector('.subtasks button').getAttribute('aria-label')"
    assert browser.run(f"return {label}").endswith(", 700 behind")
    # At the end of the job nobody waits for them any more
    served.tell(status_of(GRAPH, IDLE, lag, state="CANCELED"))
    browser.wait_for("return document.getElementById('state').textContent", lambda text: "canceled" in text)
    assert "behind" not in browser.run("return document.body.innerText")


def test_checkpoints_are_a_chart_and_the_last_five(browser: Browser, served: Served) -> None:
    def checkpoint(number: int) -> CheckpointStatus:
        state = "FAILED" if number == 4 else "COMPLETED"
        return CheckpointStatus(number, state, 1_700_000_000_000 + 1000 * number, 100 * number, 1000, number == 6)

    checkpoints = tuple(map(checkpoint, range(1, 9)))
    see(browser, served.tell(*running(checkpoints=checkpoints, checkpoint_interval=1000)))
    shown = browser.run("return document.getElementById('checkpoints').innerText")
    assert shown.startswith("One every 1 s: 7 completed, 1 failed.")
    heights = browser.run(
        "return [...document.querySelectorAll('.took')].map((bar) => Number(bar.getAttribute('height')))"
    )
    assert len(heights) == 8
    assert heights == sorted(heights)
    assert browser.run("return document.querySelectorAll('.took.failed').length") == 1
    rows = browser.run("return [...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].innerText)")
    assert rows == ["8", "7", "6, a savepoint", "5", "4"]
    browser.run("document.querySelector('.checkpoints .area').focus()")
    tip = browser.run("return document.querySelector('.checkpoints .tip').textContent.split('\\n')")
    assert (tip[0], tip[2]) == ("checkpoint 8, completed", "800 ms, 1.00 kB")


def test_the_last_error_and_checkpoints_are_shown(browser: Browser, served: Served) -> None:
    checkpoints = (
        CheckpointStatus(1, "COMPLETED", 1_700_000_001_000, 1500, 2_500_000),
        CheckpointStatus(2, "FAILED", 1_700_000_002_000, 20),
        CheckpointStatus(3, "IN_PROGRESS", 1_700_000_003_000),
    )
    error = "ValueError: bad\n  in operator 'Map: str'"
    see(browser, served.tell(*running(checkpoints=checkpoints, restarts=3, error=error, state="RESTARTING")))
    assert browser.run("return document.getElementById('state').textContent") == "↻ restarting"
    assert browser.run("return document.getElementById('error').innerText") == error
    assert "Restarts\n3" in browser.run("return document.getElementById('facts').innerText")
    rows = browser.run("return [...document.querySelectorAll('tbody tr')].map((row) => row.innerText.split('\\t'))")
    assert [(row[0], row[1], row[3], row[4]) for row in rows] == [
        ("3", "▸ in progress", "", ""),
        ("2", "✕ failed", "20 ms", ""),
        ("1", "✓ completed", "1.5 s", "2.50 MB"),
    ]


def test_without_an_error_or_checkpoints_there_are_none(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    assert browser.run("return document.getElementById('failure').hidden")
    assert browser.run("return document.getElementById('checkpoints').innerText") == "Not enabled."
    see(browser, served.tell(*running(job_id="1" * 32, checkpoint_interval=60_000)))
    assert browser.run("return document.getElementById('checkpoints').innerText") == "One every 1 m. None so far."
