"""Which events are changes. Each test waits for an event before it looks."""

from __future__ import annotations

import os
import shutil
from threading import Event
from typing import TYPE_CHECKING

import pytest

from pyflink_stream.watched_files import WatchedFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Watched:
    """``script.py`` and the directory ``pack``, with ``pack/part.py`` and ``pack/data.csv``, under observation."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.script = directory / "script.py"
        self.pack = directory / "pack"
        self.part = self.pack / "part.py"
        self.pack.mkdir()
        for file in (self.script, self.part, self.pack / "data.csv"):
            file.write_text("1")
        self._event = Event()
        self.files = WatchedFiles([str(self.script), str(self.pack)])
        self.files.start(self._event.set)

    def changed(self) -> list[str]:
        """Waits for an event, then for what is a change of it: events of one act come one by one."""
        assert self._event.wait(30)
        self._event.clear()
        return [os.path.relpath(path, os.path.realpath(self.directory)) for path in self.files.changed()]

    def change_of(self, path: str) -> bool:
        """Whether ``path`` turns out to be the only thing that has changed."""
        while not (changed := self.changed()):
            continue
        return changed == [path]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.files.stop()


def test_other_contents_are_a_change(watched: Watched) -> None:
    watched.part.write_text("2")
    assert watched.change_of("pack/part.py")


def test_a_file_that_takes_the_place_of_another_is_a_change(watched: Watched) -> None:
    other = watched.directory / "saved"
    other.write_text("2")
    other.replace(watched.script)
    assert watched.change_of("script.py")


def test_a_touch_is_no_change(watched: Watched) -> None:
    os.utime(watched.script, (1, 1))
    assert watched.changed() == []


def test_the_same_contents_written_anew_are_no_change(watched: Watched) -> None:
    other = watched.directory / "saved"
    other.write_text("1")
    other.replace(watched.script)
    assert watched.changed() == []


def test_what_is_beside_the_script_does_not_count(watched: Watched) -> None:
    (watched.directory / "results.txt").write_text("2")
    (watched.pack / "__pycache__").mkdir()
    (watched.pack / ".part.py.swp").write_text("2")
    (watched.pack / "part.py~").write_text("2")
    assert watched.changed() == []
    (watched.pack / "new.py").write_text("2")
    assert watched.change_of("pack/new.py")


def test_a_file_that_goes_is_a_change(watched: Watched) -> None:
    (watched.pack / "data.csv").unlink()
    assert watched.change_of("pack/data.csv")


def test_a_directory_that_goes_and_comes_back_is_still_observed(watched: Watched) -> None:
    shutil.rmtree(watched.pack)
    gone: set[str] = set()
    while gone != {"pack/part.py", "pack/data.csv"}:
        gone.update(watched.changed())
    watched.pack.mkdir()
    watched.changed()
    watched.part.write_text("3")
    assert watched.change_of("pack/part.py")
