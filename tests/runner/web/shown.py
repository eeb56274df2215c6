"""A page in a real browser, and the job that its tests show on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statuses import graph_of, status_of

from pyflink_stream.web.server import Server
from pyflink_stream.web.site import JobSite
from stream_engine.status import Progress

if TYPE_CHECKING:
    from browser import Browser

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


def see(browser: Browser, address: str, **size: int) -> None:
    """Opens the page, and waits until the job is on it."""
    browser.open(address, **size)
    browser.wait_for("return document.querySelector('.task') !== null && document.querySelector('.node') !== null")


BOXES = """
    return [...document.querySelectorAll('.node')].map((node) => {
        const box = node.getBoundingClientRect();
        const texts = [...node.querySelectorAll('text')].map((text) => text.textContent);
        return {level: node.dataset.level, texts, x: box.x, y: box.y, right: box.right, bottom: box.bottom};
    });
"""
