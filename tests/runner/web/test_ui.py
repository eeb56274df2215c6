"""The page of the real command."""

from __future__ import annotations

import re
import signal
import urllib.request
from typing import TYPE_CHECKING

from launched import PATIENCE
from ports import port_to_listen_at
from shown import BOXES, see

if TYPE_CHECKING:
    import subprocess

    from browser import Browser
    from launched import Command


SLOW = """
    import time
    def main(factory):
        env = factory.get_execution_environment()
        numbers = env.generate_sequence(1, 10_000).name("numbers").union(env.from_elements(0))
        numbers.map(lambda number: time.sleep(0.01)).filter(bool).output()
        env.execute("A slow job")
"""


def start(command: Command, *options: str, script: str = SLOW) -> tuple[subprocess.Popen[str], str]:
    """The real command with its page, and that page's address."""
    command.write("s.py", script)
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
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "")
    # The process has waited for the page to learn of the end
    browser.wait_for("return document.getElementById('notice').innerText", lambda text: "has ended" in text)
    assert browser.run("return document.getElementById('state').textContent") == "■ canceled"


FAILING = SLOW.replace("time.sleep(0.01)", "time.sleep(0.01 / (not __import__('os').path.exists('fail')))")


def test_a_failed_job_shows_where_it_failed_and_how_far_it_had_come(browser: Browser, command: Command) -> None:
    process, address = start(command, script=FAILING)
    see(browser, address)
    browser.wait_for(BOXES, lambda boxes: [box["level"] for box in boxes][1:2] == ["finished"])
    command.write("fail", "")
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    browser.wait_for("return document.getElementById('notice').innerText", lambda text: "has ended" in text)
    assert browser.run("return document.getElementById('state').textContent") == "✕ failed"
    assert "ZeroDivisionError" in browser.run("return document.getElementById('error').textContent")
    assert [box["level"] for box in browser.run(BOXES)] == ["canceled", "finished", "failed"]
    share = re.search(r"(\d+)%: .* of 10.0k", browser.run("return document.querySelector('.task').innerText"))
    assert share
    assert int(share[1]) < 100


def test_the_page_is_where_the_configuration_says(command: Command) -> None:
    port = port_to_listen_at()
    process, address = start(command, "-D", f"rest.port={port}")
    assert address == f"http://127.0.0.1:{port}/"
    while b"RUNNING" not in (jobs := urllib.request.urlopen(f"{address}jobs", timeout=PATIENCE).read()):
        assert jobs == b'{"jobs": []}'
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130


def test_a_chosen_port_is_told_and_an_empty_address_means_this_machine_only(command: Command) -> None:
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
    process.communicate(timeout=PATIENCE)


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
