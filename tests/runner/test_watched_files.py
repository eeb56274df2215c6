"""Which events are changes. Each test waits for an event before it looks."""

from __future__ import annotations

import os
import shutil
from threading import Event
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

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
        assert self._event.wait(PATIENCE)
        self._event.clear()
        return [os.path.relpath(path, self.directory) for path in self.files.changed()]

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


class Linked:
    """Two releases, each with ``script.py`` and ``pack/part.py``, that ``current`` leads to, under observation."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for release in ("1", "2", "3"):
            pack = directory / f"release{release}" / "pack"
            pack.mkdir(parents=True)
            (pack.parent / "script.py").write_text(release)
            (pack / "part.py").write_text(release)
        self.event = Event()
        self.files: WatchedFiles | None = None

    def observe(self, *paths: str) -> None:
        self.files = WatchedFiles([str(self.directory / path) for path in paths])
        self.files.start(self.event.set)

    def link(self, name: str, target: str, atomically: bool = True) -> None:
        """Makes a link, or lets it lead elsewhere."""
        path = self.directory / name
        if atomically:
            other = path.with_name(f".{path.name}.new")
            other.symlink_to(target)
            other.replace(path)
        else:
            path.unlink()
            path.symlink_to(target)

    def changes(self, *paths: str) -> bool:
        """Whether these turn out to have changed, and nothing else."""
        assert self.files is not None
        found: set[str] = set()
        while found < set(paths):
            assert self.event.wait(PATIENCE)
            self.event.clear()
            found.update(os.path.relpath(path, self.directory) for path in self.files.changed())
        return found == set(paths)


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[Linked]:
    linked = Linked(tmp_path)
    yield linked
    if linked.files is not None:
        linked.files.stop()


@pytest.mark.parametrize("atomically", [True, False])
def test_a_directory_link_that_leads_elsewhere_is_a_change(linked: Linked, atomically: bool) -> None:
    linked.link("current", "release1")
    linked.observe("current/script.py", "current/pack")
    # More than once: what a link has led to is observed then, and no longer what it did lead to.
    for release in ("2", "3"):
        linked.link("current", f"release{release}", atomically)
        assert linked.changes("current/script.py", "current/pack/part.py")
    (linked.directory / "release3" / "pack" / "part.py").write_text("4")
    assert linked.changes("current/pack/part.py")


@pytest.mark.parametrize("link", ["script.py", "pack"])
def test_a_link_to_a_script_or_package_that_leads_elsewhere_is_a_change(linked: Linked, link: str) -> None:
    linked.link(link, f"release1/{link}")
    linked.observe(link)
    linked.link(link, f"release2/{link}")
    name = "script.py" if link == "script.py" else "pack/part.py"
    assert linked.changes(name)
    target = linked.directory / "release2" / name
    target.write_text("3")
    assert linked.changes(name)


def test_every_link_of_a_row_is_observed(linked: Linked) -> None:
    (linked.directory / "elsewhere").mkdir()
    linked.link("elsewhere/newest", str(linked.directory / "release1"))
    linked.link("current", "elsewhere/newest")
    linked.observe("current/script.py")
    linked.link("elsewhere/newest", "../release2")
    assert linked.changes("current/script.py")


def test_links_within_a_package_are_observed(linked: Linked) -> None:
    linked.link("release1/pack/shared.py", "../../release2/script.py")
    linked.link("release1/pack/below", "../../release2/pack")
    linked.link("release1/pack/itself", ".")
    linked.observe("release1/pack")
    (linked.directory / "release2" / "script.py").write_text("4")
    assert linked.changes("release1/pack/shared.py")
    (linked.directory / "release2" / "pack" / "part.py").write_text("4")
    assert linked.changes("release1/pack/below/part.py")
    linked.link("release1/pack/below", "../../release3/pack")
    assert linked.changes("release1/pack/below/part.py")


def test_a_link_that_leads_to_the_same_contents_is_no_change(linked: Linked) -> None:
    linked.link("current", "release1")
    (linked.directory / "release2" / "script.py").write_text("1")
    linked.observe("current/script.py")
    linked.link("current", "release2")
    assert linked.event.wait(PATIENCE)
    assert linked.files is not None
    assert linked.files.changed() == []


def test_a_link_that_leads_to_itself_is_like_a_file_that_is_not_there(linked: Linked) -> None:
    linked.link("script.py", "script.py")
    linked.observe("script.py")
    linked.link("script.py", "release1/script.py")
    assert linked.changes("script.py")
