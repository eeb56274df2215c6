"""The page in a real browser."""

from __future__ import annotations

import re
import signal
import socket
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from browser import Browser, missing
from statuses import graph_of, status_of

from pyflink_stream.web.server import Server
from pyflink_stream.web.site import JobSite
from stream_engine.status import CheckpointStatus, Progress

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from conftest import Command

    from stream_engine.status import JobStatus


def branching(env: Any) -> None:
    """Two sources into one task, which feeds two; one of these has a loop."""
    numbers = env.generate_sequence(1, 9).name("Source: numbers").map(str).name("Map: str")
    lines = env.read_text_file("/data/lines.txt")
    words = numbers.union(lines).key_by(lambda word: word).reduce(lambda one, other: one).name("Reduce: longest")
    iteration = words.rebalance().iterate()
    body = iteration.map(lambda word: word[1:]).name("Map: shorten")
    iteration.close_with(body.filter(bool))
    body.output()
    kept = words.rebalance().filter(bool).name("Filter: a name that is much too long for any box")
    kept.add_sink(print).name("Sink: db")


GRAPH = graph_of(branching)
BUSY = {"busy": 970, "backpressured": 10, "idle": 20, "records_in": 900}
HELD = {"busy": 100, "backpressured": 900, "records_in": 1000, "records_out": 1000}
IDLE = {"idle": 1000}
DONE = {"idle": 1000, "records_in": 9, "records_out": 9, "finished": True}


def running(**fields: Any) -> list[JobStatus]:
    """A job whose first source has ended, whose other one is held up by what follows, which is busy."""
    before = status_of(GRAPH, time=1_700_000_009_000, **fields)
    progress = {"progress": Progress(300, 1200, "bytes")}
    return [before, status_of(GRAPH, DONE, {**HELD, **progress}, BUSY, {**IDLE, "watermark": 5}, IDLE, **fields)]


class Served:
    """A site of its own, with what a test has it say."""

    def __init__(self) -> None:
        self.site = JobSite()
        self.server = Server(self.site, "127.0.0.1", [0])

    def tell(self, *statuses: JobStatus) -> str:
        for status in statuses:
            self.site.on_status(status)
        return self.server.address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.server.close()


def see(browser: Browser, address: str, **size: int) -> None:
    """Opens the page, and waits until the job is on it."""
    browser.open(address, **size)
    browser.wait_for("return document.querySelectorAll('.task').length > 0")


BOXES = """
    return [...document.querySelectorAll('.node')].map((node) => {
        const box = node.getBoundingClientRect();
        const texts = [...node.querySelectorAll('text')].map((text) => text.textContent);
        return {level: node.dataset.level, texts, x: box.x, y: box.y, right: box.right, bottom: box.bottom};
    });
"""


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
    assert re.fullmatch("Filter: a name .*…", boxes[4]["texts"][0])
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
    assert "×2, finished" in cards[0]
    assert "watermark 5" in cards[3]
    assert len(browser.run("return [...document.querySelectorAll('.subtasks')][1].children")) == 2


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


def test_the_last_error_and_checkpoints_are_shown(browser: Browser, served: Served) -> None:
    checkpoints = (
        CheckpointStatus(1, "COMPLETED", 1_700_000_001_000, 1500, 2_500_000),
        CheckpointStatus(2, "FAILED", 1_700_000_002_000, 20),
        CheckpointStatus(3, "IN_PROGRESS", 1_700_000_003_000),
    )
    error = "ValueError: bad\n  in operator 'Map: str'"
    see(browser, served.tell(*running(checkpoints=checkpoints, restarts=3, error=error, state="RESTARTING")))
    assert browser.run("return document.getElementById('state').textContent") == "restarting"
    assert browser.run("return document.getElementById('error').innerText") == error
    assert "Restarts\n3" in browser.run("return document.getElementById('facts').innerText")
    rows = browser.run("return [...document.querySelectorAll('tbody tr')].map((row) => row.innerText.split('\\t'))")
    assert [(row[0], row[1], row[3], row[4]) for row in rows] == [
        ("3", "in progress", "", ""),
        ("2", "failed", "0.0 s", ""),
        ("1", "completed", "1.5 s", "2.50 MB"),
    ]


def test_without_an_error_or_checkpoints_there_are_none(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    assert browser.run("return document.getElementById('failure').hidden")
    assert browser.run("return document.getElementById('checkpoints').innerText") == "None so far."


def test_the_job_that_runs_is_shown_and_others_can_be_chosen(browser: Browser, served: Served) -> None:
    first = graph_of(lambda env: env.from_elements(1).output(), parallelism=1)
    served.tell(status_of(first, name="First", job_id="0" * 32))
    see(browser, served.tell(*running(name="Second")))
    name = "return document.getElementById('name').textContent"
    assert browser.run(name) == "Second"
    browser.run("document.querySelector('nav button').click()")
    browser.wait_for(name, lambda text: text == "First")
    assert browser.run("return document.querySelectorAll('.node').length") == 1
    # It stays, also when the other goes on
    served.tell(*running(name="Second"))
    browser.run("document.querySelectorAll('nav button')[1].click()")
    browser.wait_for(name, lambda text: text == "Second")


def test_a_task_is_found_by_its_box(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    browser.run("document.querySelectorAll('.node')[2].dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert browser.run("return document.querySelector('.task.chosen h3').innerText").startswith("longest")


def test_a_mistake_of_the_pages_own_is_not_taken_for_the_end(browser: Browser, served: Served) -> None:
    see(browser, served.tell(*running()))
    browser.run("document.getElementById('facts').remove()")
    complaints: list[str] = []
    deadline = time.monotonic() + 30
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


SLOW = """
    import time
    def main(factory):
        env = factory.get_execution_environment()
        numbers = env.generate_sequence(1, 10_000).name("numbers").union(env.from_elements(0))
        numbers.map(lambda number: time.sleep(0.01)).filter(bool).output()
        env.execute("A slow job")
"""


def start(command: Command, *options: str) -> tuple[subprocess.Popen[str], str]:
    """The real command with its page, and that page's address."""
    command.write("s.py", SLOW)
    # Without a screen, so that no browser is opened.
    process = command.start("--ui", *options, "s.py", DISPLAY="", WAYLAND_DISPLAY="")
    assert process.stderr is not None
    said = process.stderr.readline()
    match = re.fullmatch(r"Jobs are shown at (http://127\.0\.0\.1:\d+/)\n", said)
    assert match, said
    return process, match[1]


def test_a_running_job_is_seen_to_the_end_and_after_it(browser: Browser, command: Command) -> None:
    process, address = start(command)
    see(browser, address)
    assert browser.run("return document.getElementById('name').textContent") == "A slow job"
    browser.wait_for(BOXES, lambda boxes: [box["level"] for box in boxes] == ["backpressured", "finished", "hot"])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
    # The process has waited for the page to learn of the end
    browser.wait_for("return document.getElementById('notice').innerText", lambda text: "has ended" in text)
    assert browser.run("return document.getElementById('state').textContent") == "canceled"


def test_the_page_is_where_the_configuration_says(command: Command) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process, address = start(command, "-D", f"rest.port={port}")
    assert address == f"http://127.0.0.1:{port}/"
    while b"RUNNING" not in (jobs := urllib.request.urlopen(f"{address}jobs", timeout=30).read()):
        assert jobs == b'{"jobs": []}'
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_port_that_nobody_could_know_is_said_and_an_empty_address_is_not_every_address(command: Command) -> None:
    command.write("s.py", "def main(factory): pass\n")
    done = command.run("-D", "rest.port=0", "-D", "rest.bind-address=", "s.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"Jobs are shown at http://127\.0\.0\.1:\d+/\n", done.stderr)


OPENER = """\
#!/bin/sh
echo "$1" > opened
"""


def test_a_browser_is_opened_where_there_is_a_screen(command: Command) -> None:
    command.write("s.py", "def main(factory): pass\n")
    opener = command.write("opener", OPENER)
    opener.chmod(0o755)
    done = command.run("--ui", "s.py", DISPLAY=":0", BROWSER=str(opener))
    opened = command.directory / "opened"
    assert f"Jobs are shown at {opened.read_text()}" in done.stderr
    opened.unlink()

    # By --watch only once
    process = command.start("--ui", "--watch", "s.py", DISPLAY=":0", BROWSER=str(opener))
    assert process.stderr is not None
    ended = "waiting for a change"
    assert any(ended in line for line in process.stderr)
    opened.unlink()
    command.write("s.py", "def main(factory): print('changed')\n")
    assert any(ended in line for line in process.stderr)
    assert not opened.exists()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


UNWATCHED = """
    import sys, threading
    def main(factory):
        env = factory.get_execution_environment()
        env.from_elements(1).output()
        env.execute()
        print(threading.active_count(), sorted({"http.server", "rich", *OURS} & set(sys.modules)))
"""
OURS = "pyflink_stream.web pyflink_stream.progress stream_engine.status stream_engine.local.monitor"


def test_without_being_asked_for_nothing_is_served_or_loaded(command: Command) -> None:
    command.write("s.py", UNWATCHED.replace("*OURS", f"*{OURS!r}.split()"))
    assert command.output("s.py") == "1\n1 []\n"
