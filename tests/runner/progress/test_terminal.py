"""The view and the lines that share a terminal with it."""

from __future__ import annotations

import os
import signal
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from screens import Screen

from pyflink_stream.progress.terminal import Terminal, take_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

VIEW = ["first", "second"]


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen(20, 6)
    yield screen
    screen.close()


@pytest.fixture
def terminal(screen: Screen) -> Terminal:
    return Terminal(screen.inside)


def rows(screen: Screen) -> list[str]:
    while screen.read():
        pass
    return screen.rows


def test_lines_are_written_above_the_view(screen: Screen, terminal: Terminal) -> None:
    terminal.show(VIEW)
    assert rows(screen) == ["", "first", "second"]
    terminal.write(screen.inside, b"one\ntwo\n")
    assert rows(screen) == ["one", "two", "", "first", "second"]
    terminal.show(["changed"])
    assert rows(screen) == ["one", "two", "", "changed"]
    terminal.hide()
    assert rows(screen) == ["one", "two"]
    terminal.write(screen.inside, b"three\n")
    assert rows(screen) == ["one", "two", "three"]


def test_lines_that_scroll_away_leave_nothing_of_the_view_behind(screen: Screen, terminal: Terminal) -> None:
    terminal.show(VIEW)
    for number in range(30):
        terminal.write(screen.inside, b"%d\n" % number)
        terminal.show(VIEW)
    assert rows(screen) == ["27", "28", "29", "", "first", "second"]
    assert screen.lines == [*map(str, range(30)), "", "first", "second"]


def test_a_line_begun_is_continued_before_there_is_a_view_again(screen: Screen, terminal: Terminal) -> None:
    terminal.show(VIEW)
    terminal.write(screen.inside, b"wait")
    assert rows(screen) == ["wait"]
    terminal.show(VIEW)
    assert rows(screen) == ["wait"]
    terminal.write(screen.inside, b"ed\n")
    assert rows(screen) == ["waited", "", "first", "second"]


def test_a_line_begun_is_ended_where_the_next_must_stand_alone(screen: Screen, terminal: Terminal) -> None:
    terminal.write(screen.inside, b"wait")
    terminal.end_line()
    terminal.end_line()
    terminal.write(screen.inside, b"outcome\n")
    assert rows(screen) == ["wait", "outcome"]


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch, screen: Screen, terminal: Terminal) -> list[list[str]]:
    """The next write is followed by a signal to stop before anybody knows of it. What the shell finds on the screen."""
    found: list[list[str]] = []
    write = os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        written = write(descriptor, data)
        monkeypatch.setattr(os, "write", write)
        terminal.stop(signal.SIGTSTP, None)
        return written

    monkeypatch.setattr(os, "kill", lambda pid, number: found.append(shown(screen)))
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(os, "write", interrupted)
    return found


def shown(screen: Screen) -> list[str]:
    return [row for row in rows(screen) if row]


def test_a_stop_while_a_view_is_drawn_leaves_nothing_of_it(terminal: Terminal, stopped: list[list[str]]) -> None:
    terminal.show(VIEW)

    assert stopped == [[]]


@pytest.mark.parametrize("text", [b"one\n", b"on"])
def test_a_stop_while_text_is_written_leaves_that_alone(
    request: pytest.FixtureRequest, screen: Screen, terminal: Terminal, text: bytes
) -> None:
    terminal.show(VIEW)
    stopped: list[list[str]] = request.getfixturevalue("stopped")
    terminal.write(screen.inside, text)

    assert stopped == [[text.decode().rstrip()]]


@pytest.mark.parametrize("text", [b"", b"one\n"])
def test_nothing_is_left_of_a_view_whose_drawing_ctrl_c_ends(
    screen: Screen, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    write = os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        write(descriptor, data)
        monkeypatch.setattr(os, "write", write)
        raise KeyboardInterrupt

    if text:
        terminal.show(VIEW)
        terminal.write(screen.inside, b"zero")
        terminal.show(VIEW)
    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        terminal.write(screen.inside, text) if text else terminal.show(VIEW)
    terminal.hide()

    assert shown(screen) == (["zeroone"] if text else [])


def test_no_other_thread_draws_while_the_process_is_stopped(
    screen: Screen, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = Thread(target=terminal.show, args=(VIEW,))

    def kill(pid: int, number: int) -> None:
        drawing.start()
        drawing.join(0.1)
        assert shown(screen) == []

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    terminal.show(VIEW)
    terminal.stop(signal.SIGTSTP, None)
    drawing.join()

    assert rows(screen) == ["", "first", "second"]


def test_what_others_write_stands_above_the_view(screen: Screen, terminal: Terminal) -> None:
    terminal.show(VIEW)
    os.write(screen.inside, b"a child's\n")
    terminal.show(VIEW)
    os.write(screen.inside, b"another's\n")
    terminal.write(screen.inside, b"ours\n")
    assert rows(screen) == ["a child's", "another's", "ours", "", "first", "second"]


def test_a_view_is_taken_away_whole_though_the_terminal_has_broken_its_lines(
    screen: Screen, terminal: Terminal
) -> None:
    terminal.write(screen.inside, b"above\n")
    terminal.show(["x" * 19, "second"])
    rows(screen)
    # As a terminal breaks lines anew that became too long for it, and the cursor stays where it was.
    screen.resize(10, 6)
    os.write(screen.inside, b"\x1b[J\n" + b"x" * 10 + b"\n" + b"x" * 9 + b"\nsecond\x1b[3A\r")
    assert rows(screen) == ["above", "", "x" * 10, "x" * 9, "second"]
    # Of its new size nothing is known yet.
    terminal.show(["y" * 19, "second"])
    assert rows(screen) == ["above", "", "y" * 10, "second"]
    terminal.hide()
    assert rows(screen) == ["above"]


def test_nothing_is_drawn_while_another_process_has_the_terminal(
    screen: Screen, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.tcgetpgrp", lambda _: os.getpgrp() + 1)
    terminal.show(VIEW)
    terminal.write(screen.inside, b"one\n")
    assert rows(screen) == ["one"]
    Terminal(screen.inside, always=True).show(VIEW)
    assert rows(screen) == ["one", "", "first", "second"]
    monkeypatch.setattr("os.tcgetpgrp", lambda _: os.getpgrp())
    terminal.show(VIEW)
    assert rows(screen) == ["one", "", "first", "second"]


def test_a_terminal_that_takes_only_a_part_is_told_no_more_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    written = b""

    def write_some(_: int, data: bytes) -> int:
        nonlocal written
        written += data[:3]
        return len(data[:3])

    terminal = Terminal(-1)
    monkeypatch.setattr("os.write", write_some)
    assert terminal.write(-1, b"abcdef\n") == 3
    terminal.show(["v"])
    # Within a line, so it is not shown yet.
    assert written == b"abc"
    assert terminal.write(-1, b"de\n") == 3
    view = b"\x1b[?7l\nv\x1b[K\x1b[J\r\x1b[1A\x1b[?7h"
    assert written == b"abcde\n" + view
    assert terminal.write(-1, b"xyz\n") == 0
    assert written == b"abcde\n" + view + b"\r\x1b[J"


def test_its_size_is_known_even_where_nobody_says() -> None:
    assert Terminal(-1).size == (80, 24)


def test_both_streams_go_through_the_terminal_they_share(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(20, 6)
    with os.fdopen(os.dup(screen.inside), "w") as out, os.fdopen(os.dup(screen.inside), "w") as err:
        monkeypatch.setattr("sys.stdout", out)
        monkeypatch.setattr("sys.stderr", err)
        terminal = take_terminal()
        terminal.show(VIEW)
        print("out")
        print("err", file=__import__("sys").stderr)
        assert rows(screen) == ["out", "err", "", "first", "second"]
    screen.close()


def test_standard_output_that_is_no_terminal_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    screen = Screen(20, 6)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as out, os.fdopen(os.dup(screen.inside), "w") as err:
        monkeypatch.setattr("sys.stdout", out)
        monkeypatch.setattr("sys.stderr", err)
        take_terminal()
        assert sys.stdout is out
        assert sys.stderr is not err
    os.close(reading)
    screen.close()
