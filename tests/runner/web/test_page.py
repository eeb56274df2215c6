"""The page in a real browser: its graph, its jobs, and how it behaves."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE
from shown import BOXES, DONE, GRAPH, running, see
from statuses import graph_of, status_of

from stream_engine.status import Progress

if TYPE_CHECKING:
    from browser import Browser
    from shown import Served

    from stream_engine.status import JobStatus


def test_the_graph_of_a_branching_job_is_drawn(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    boxes = browser.run(BOXES)
    assert [box["texts"][0] for box in boxes] == [
        "Source: numbers",
        "Source: /data/lines.txt",
        "Reduce: longest",
        "Iteration",
        *(box["texts"][0] for box in boxes[4:]),
    ]
    assert boxes[0]["texts"][1] == "Map: str"
    name = " ".join(boxes[4]["texts"][:2])
    assert name == "Filter: a name that is much too long for any box"
    # From left to right, and none upon another
    numbers, lines, longest, loop, names = boxes
    assert numbers["right"] < longest["x"]
    assert lines["right"] < longest["x"]
    assert longest["right"] < min(loop["x"], names["x"])
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            beside = one["right"] <= other["x"] or other["right"] <= one["x"]
            assert beside or one["bottom"] <= other["y"] or other["bottom"] <= one["y"]
    # A wire for each way of the records, the loop's being another kind
    wires = browser.run("return [...document.querySelectorAll('.wire')].map((wire) => wire.className.baseVal)")
    assert sorted(wires) == ["wire"] * 4 + ["wire feedback"]
    ways = browser.run("return [...document.querySelectorAll('text.way')].map((way) => way.textContent)")
    assert sorted(ways) == ["hash", "hash", "rebalance", "rebalance"]
    assert browser.complaints() == []


def test_a_backpressured_task_is_seen_to_be_one(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    levels = [box["level"] for box in browser.run(BOXES)]
    assert levels == ["finished", "backpressured", "hot", "idle", "idle"]
    fills = browser.run(
        "return [...document.querySelectorAll('.node')].map((node) => "
        "['.box', '.hatch', '.edge'].map((part) => getComputedStyle(node.querySelector(part)).fill))"
    )
    assert len({edge for _, _, edge in fills[:4]}) == 4
    assert ["url" in hatch for _, hatch, _ in fills] == [False, True, False, False, False]
    texts = browser.run(BOXES)[1]["texts"]
    assert "1k/s" not in texts
    assert texts[-4:] == ["busy", "10%", "backpr.", "90%"]


@pytest.mark.parametrize(
    ("busy", "backpressured", "level"),
    [
        (30, 20, "idle"),
        (100, 0, "low"),
        (600, 100, "busy"),
        (870, 130, "hot"),
        (50, 300, "held"),
        (400, 600, "backpressured"),
    ],
)
def test_the_colours_have_levels(browser: Browser, served: Served, busy: int, backpressured: int, level: str) -> None:
    graph = graph_of(lambda env: env.from_elements(1).output(), parallelism=1)
    shares = {"busy": busy, "backpressured": backpressured, "idle": 1000 - busy - backpressured}
    see(browser, served.tell(status_of(graph, time=1_700_000_009_000), status_of(graph, shares)))
    assert [box["level"] for box in browser.run(BOXES)] == [level]


def test_what_tasks_do_is_told_in_numbers(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    facts = browser.run("return document.getElementById('facts').innerText")
    assert "Running for\n10 s" in facts
    assert "Records read\n2.02k" in facts
    cards = browser.run("return [...document.querySelectorAll('.task')].map((card) => card.innerText)")
    assert "25%: 600 B of 2.40 kB" in cards[1]
    assert "×2 ✓ finished" in cards[0]
    assert "Watermark\n5" in cards[3]
    assert "late" not in "".join(cards).lower()


def test_it_can_be_read_on_a_narrow_screen(browser: Browser, served: Served) -> None:
    name = "A job whose name is a word without end: " + "x" * 60
    see(browser, served.tell(*running(name=name, error="Error: " + "y" * 300)), width=400, height=800)
    assert browser.run("return document.documentElement.scrollWidth") == 400
    boxes = browser.run(BOXES)
    # From top to bottom
    assert max(boxes[0]["bottom"], boxes[1]["bottom"]) < boxes[2]["y"]
    assert boxes[2]["bottom"] < min(boxes[3]["y"], boxes[4]["y"])
    assert all(box["x"] >= 0 and box["right"] <= 400 for box in boxes)
    smallest = browser.run(
        "const scale = document.querySelector('.graph svg').getScreenCTM().a;"
        "return Math.min(...[...document.querySelectorAll('.graph text')]"
        ".map((text) => scale * parseFloat(getComputedStyle(text).fontSize)))"
    )
    assert smallest > 8
    spilled = browser.run(
        "return [...document.querySelectorAll('.task, .failure, table, .facts')]"
        ".filter((part) => part.scrollWidth > part.clientWidth + 1).length"
    )
    assert spilled == 0
    assert browser.complaints() == []


def test_names_and_errors_are_text_whatever_is_in_them(browser: Browser, served: Served) -> None:
    evil = "<img src=x onerror=\"document.title='evil'\"><script>document.title='evil'</script>"
    graph = graph_of(lambda env: env.from_elements(1).name(evil).map(str).name(evil).output())
    see(browser, served.tell(status_of(graph, name=evil, error=evil)))
    assert browser.run("return document.getElementById('name').textContent") == evil
    assert browser.run("return document.getElementById('error').textContent") == evil
    assert browser.run("return document.querySelectorAll('img, body script:not(:last-of-type)').length") == 0
    assert not browser.run("return document.title").startswith("evil")
    assert browser.complaints() == []


def test_nothing_but_the_pages_own_script_can_run_in_it(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    browser.run(
        "const script = document.createElement('script'); script.textContent = 'document.body.dataset.evil = 1';"
        "document.body.append(script); const style = document.createElement('style');"
        "style.textContent = 'body { opacity: 0 }'; document.head.append(style)"
    )
    assert browser.run("return document.body.dataset.evil === undefined")
    assert browser.run("return getComputedStyle(document.body).opacity") == "1"
    assert len(browser.complaints()) == 2


def test_the_job_that_runs_is_shown_and_others_can_be_chosen(browser: Browser, served: Served) -> None:
    first = graph_of(lambda env: env.from_elements(1).output(), parallelism=1)
    served.tell(status_of(first, name="First", job_id="0" * 32))
    see(browser, served.tell(*running(name="Second")))
    name = "return document.getElementById('name').textContent"
    assert browser.run(name) == "Second"
    browser.run("document.querySelector('nav a').click()")
    browser.wait_for(name, lambda text: text == "First")
    assert browser.run("return document.querySelectorAll('.node').length") == 1
    assert browser.run("return location.hash") == f"#/jobs/{'0' * 32}"
    # It stays, also when the other continues, and for whoever else opens that address
    served.tell(*running(name="Second"))
    see(browser, browser.run("return location.href"))
    assert browser.run(name) == "First"
    assert browser.run("return document.querySelector('[aria-current]').textContent") == "First · ▸ running"
    browser.run("document.querySelectorAll('nav a')[1].click()")
    browser.wait_for(name, lambda text: text == "Second")
    # And the latest one is shown again when that is wanted
    browser.run("document.querySelector('nav a.latest').click()")
    served.tell(*running(name="Third", job_id="3" * 32))
    browser.wait_for(name, lambda text: text == "Third")


def test_a_job_that_the_address_names_and_nobody_knows_is_said(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()) + "#/jobs/" + "9" * 32)
    assert browser.run("return document.getElementById('name').textContent") == "A job"
    assert "does not know" in browser.run("return document.getElementById('notice').innerText")


def test_a_task_is_found_by_its_box(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    browser.run("document.querySelectorAll('.node')[2].dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert browser.run("return document.querySelector('.task.chosen h3').innerText") == "Reduce longest"
    assert browser.run("return document.activeElement.className") == "task chosen"


def failed() -> JobStatus:
    """A job of which the second subtask of the reduce has failed, when the numbers had been read."""
    status = status_of(GRAPH, DONE, {"progress": Progress(300, 1200, "bytes")}, state="FAILED", error="ValueError: bad")
    numbers, lines, longest, *rest = status.tasks
    subtasks = (longest.subtasks[0], longest.subtasks[1]._replace(failed=True))
    return status._replace(tasks=(numbers, lines, longest._replace(subtasks=subtasks), *rest))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_failed_is_red_and_has_its_sign_on_the_page_and_in_its_legend(
    browser: Browser, served: Served, scheme: str
) -> None:
    browser.prefer(scheme)
    see(browser, served.tell(status_of(GRAPH, time=1_700_000_009_000), failed()))
    assert [box["level"] for box in browser.run(BOXES)] == ["finished", "canceled", "failed", "canceled", "canceled"]
    texts = [[text for text in box["texts"] if text[:1] in "✓✕■"] for box in browser.run(BOXES)]
    assert texts == [["✓ finished"], ["■ canceled"], ["✕ failed"], ["■ canceled"], ["■ canceled"]]
    assert "✕ failed" in browser.run("return document.querySelector('.legend').innerText")
    cells = browser.run(
        "const signs = document.querySelectorAll('.task')[2].querySelectorAll('.subtasks em');"
        "return [...signs].map((sign) => sign.textContent)"
    )
    assert cells == ["■", "✕"]
    colours = browser.run(
        "const of = (query, name) => getComputedStyle(document.querySelector(query))[name];"
        "return [of('.node[data-level=failed] .edge', 'fill'), of('.task[data-level=failed] .badge', 'color'),"
        " of('.legend .failed', 'backgroundColor')]"
    )
    red, green, blue = (int(part) for part in re.findall(r"\d+", colours[0])[:3])
    assert red > 150 > 130 > max(green, blue) or (scheme == "dark" and red > 240 and max(green, blue) < 150)
    assert len(set(colours)) == 1
    assert "25%: 600 B of 2.40 kB" in browser.run("return document.querySelectorAll('.task')[1].innerText")


LONG = "Source: /srv/data/warehouse/clickstream-eu-central-1/2026/11/28/hourly-exports/part-00017.jsonl"


@pytest.mark.parametrize("width", [1280, 400])
def test_a_long_name_wraps_and_keeps_its_tail(browser: Browser, served: Served, width: int) -> None:
    graph = graph_of(lambda env: env.read_text_file("/x").name(LONG).rebalance().map(str).output())
    see(browser, served.tell(status_of(graph)), width=width, height=900)
    first = browser.run(BOXES)[0]
    name = "".join(first["texts"][: next(at for at, text in enumerate(first["texts"]) if text.startswith("×"))])
    assert name.startswith("Source: /srv/data/")
    assert name.endswith("part-00017.jsonl")
    spilled = browser.run(
        "return [...document.querySelectorAll('.node')].flatMap((node) => {"
        "const box = node.querySelector('.box').getBoundingClientRect();"
        "return [...node.querySelectorAll('text')].filter((text) => text.getBoundingClientRect().right > box.right)"
        ".map((text) => text.textContent)})"
    )
    assert spilled == []


def test_a_name_is_not_cut_while_there_is_room(browser: Browser, served: Served) -> None:
    name = "Map: parse and validate the clicks of all regions"
    graph = graph_of(lambda env: env.from_elements(1).rebalance().map(str).name(name).output())
    see(browser, served.tell(status_of(graph)))
    assert browser.run(BOXES)[1]["texts"][0] == name


def test_a_mistake_of_the_pages_own_is_not_taken_for_the_end(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    browser.run("document.getElementById('facts').remove()")
    complaints: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while not complaints and time.monotonic() < deadline:
        complaints += browser.complaints()
    assert any("TypeError" in complaint for complaint in complaints)
    assert browser.run("return document.getElementById('notice').hidden")


def test_light_and_dark_follow_the_system(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    colours: dict[str, list[int]] = {}
    for scheme in ("dark", "light"):
        browser.prefer(scheme)
        back = browser.run("return getComputedStyle(document.body).backgroundColor")
        front = browser.run("return getComputedStyle(document.body).color")
        colours[scheme] = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (back, front)]
    assert colours["dark"][0] < 150 < 600 < colours["dark"][1]
    assert colours["light"][1] < 150 < 600 < colours["light"][0]
