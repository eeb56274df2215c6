"""Each operation of the guide, as its example shows it: run as the docstring says, it gives what stands there.

A docstring has the command, indented, and paragraphs with a heading: what it ``Prints``, ``Writes to`` a file, or what
a server at localhost:9000 sends or gets. ``in some order`` allows for another one.
"""

from __future__ import annotations

import ast
import re
import socket
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from here import CommandHere
from launched import PATIENCE, ROOT

if TYPE_CHECKING:
    from stream_engine.local.forkserver.client import ForkServer

EXAMPLES = sorted((ROOT / "examples" / "guide").glob("*.py"))
PARAGRAPH = re.compile(r"^(?P<heading>\S.*):\n\n(?P<lines>(?: {4}.*\n)+)", re.MULTILINE)


def docstring(example: Path) -> str:
    return (ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or "") + "\n"


class Server:
    """Takes one connection, sends what there is to send, and keeps what it gets to the end."""

    def __init__(self, to_send: list[str]) -> None:
        self.got: list[str] = []
        self._to_send = "".join(f"{line}\n" for line in to_send)
        self._socket = socket.create_server(("localhost", 0))
        self._socket.settimeout(PATIENCE)
        self.port = self._socket.getsockname()[1]
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._socket, self._socket.accept()[0] as connection:
            connection.sendall(self._to_send.encode())
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile(encoding="utf-8") as received:
                self.got = received.read().splitlines()

    def join(self) -> None:
        self._thread.join()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_gives_what_its_docstring_says(
    example: Path, tmp_path: Path, server: ForkServer, capfd: pytest.CaptureFixture[str]
) -> None:
    # given
    text = docstring(example)
    command = re.search(r"^ {4}\./bin/pyflink-stream\.sh (.*)$", text, re.MULTILINE)
    assert command, "the docstring has no command"
    paragraphs = {
        found["heading"]: [line[4:] for line in found["lines"].splitlines()] for found in PARAGRAPH.finditer(text)
    }
    peer = Server(paragraphs.pop("The server sends", [])) if "localhost 9000" in command[1] else None
    arguments = command[1].replace("/tmp/", f"{tmp_path}/").replace("9000", str(peer.port if peer else 9000))

    # when
    done = CommandHere(ROOT, server, capfd).run(*arguments.split())
    if peer:
        peer.join()

    # then
    assert (done.returncode, done.stderr) == (0, "")
    printed = done.stdout.splitlines()
    assert paragraphs, "the docstring does not say what comes of it"
    for heading, expected in paragraphs.items():
        what, _, order = heading.partition(", ")
        if what == "Prints":
            found, printed = printed, []
        elif what == "The server gets":
            found = peer.got if peer else []
        else:
            found = Path(what.removeprefix("Writes to ").replace("/tmp/", f"{tmp_path}/")).read_text().splitlines()
        assert (sorted(found) == sorted(expected)) if order == "in some order" else (found == expected)
    assert printed == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_the_page_of_examples_lists_the_example(example: Path) -> None:
    assert f"(guide/{example.name})" in (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
