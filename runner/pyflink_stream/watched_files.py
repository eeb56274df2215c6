"""The files of a run, and whether their contents have changed."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from watchdog.events import FileSystemEvent

# As many links in a row as systems follow.
_MOST_LINKS = 40
# Events that only say that somebody, perhaps the run itself, has read a file.
_READING = ("opened", "closed_no_write")


class _Content(NamedTuple):
    """A file's digest, and the state of the file when it was computed."""

    state: tuple[int, int, int]
    digest: bytes


class _Place(NamedTuple):
    """A directory to observe: its identity, and whether all below it counts."""

    inode: int
    recursive: bool


class WatchedFiles:
    """Files, and directories with all that is below them but hidden, compiled and backup files.

    An editor may write a new file and give it the old name, in several steps, or write the same contents again. So an
    event only means: compare the contents. Files go by the names that they are reached by: when a link leads elsewhere
    than before, their contents may have changed, too.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = [os.path.abspath(path) for path in paths]
        self._contents: dict[str, _Content] = {}
        self._observer: Any = None
        # Events have the real paths of files: so have these, including the links on the way to them.
        self._names: set[str] = set()
        self._observed: dict[str, _Place] = {}
        self._on_event: Callable[[], None] = lambda: None

    def start(self, on_event: Callable[[], None]) -> None:
        """Calls ``on_event``, from another thread, whenever there may be a change."""
        from watchdog.observers import Observer

        self._on_event = on_event
        self._observer = Observer()
        try:
            self._observe()
            self._observer.start()
        except OSError:
            # The system has run out of notifications.
            from watchdog.observers.polling import PollingObserver

            self._observer = PollingObserver()
            self._observed.clear()
            self._observe()
            self._observer.start()
        self._contents = dict(self._read())

    def stop(self) -> None:
        self._observer.stop()
        self._observer.join()

    def changed(self) -> list[str]:
        """The files that have other contents than at the last call, or are new, or gone."""
        if self._survey() != self._observed:
            self._observe()
        before, self._contents = self._contents, dict(self._read())
        digests = [{path: content.digest for path, content in each.items()} for each in (before, self._contents)]
        return sorted({path for path, _ in digests[0].items() ^ digests[1].items()})

    def _read(self) -> Iterator[tuple[str, _Content]]:
        for path in self._files():
            try:
                status = os.stat(path)
                state = (status.st_ino, status.st_size, status.st_mtime_ns)
                known = self._contents.get(path)
                if known is None or known.state != state:
                    with open(path, "rb") as file:
                        known = _Content(state, hashlib.sha256(file.read()).digest())
                yield path, known
            except OSError:
                continue  # The file is gone, or about to be replaced.

    def _files(self) -> Iterator[str]:
        for path in self._paths:
            if not os.path.isdir(path):
                yield path
            for directory, _, files in _walk(path):
                yield from (os.path.join(directory, name) for name in files)

    # --- events ------------------------------------------------------------------------------------------------------

    def _survey(self) -> dict[str, _Place]:
        """Finds the real paths of the files, and returns the directories to observe."""
        paths = set(self._paths)
        for path in self._paths:
            for directory, below, files in _walk(path):
                inside = (os.path.join(directory, name) for name in (*below, *files))
                paths.update(filter(os.path.islink, inside))
        names: set[str] = set()
        for path in paths:
            names.update((*_links(path), os.path.realpath(path)))
        recursive = {name for name in names if os.path.isdir(name) and not os.path.islink(name)}
        found: dict[str, _Place] = {}
        for directory in {*map(os.path.dirname, names), *recursive}:
            with suppress(OSError):
                found[directory] = _Place(os.stat(directory).st_ino, directory in recursive)
        self._names = names
        return found

    def _observe(self) -> None:
        self._observer.unschedule_all()
        self._observed = self._survey()
        for directory, place in self._observed.items():
            self._observer.schedule(self, directory, recursive=place.recursive)

    def dispatch(self, event: FileSystemEvent) -> None:
        """Called by the observer, in its own thread."""
        paths = (event.src_path, getattr(event, "dest_path", ""))
        if event.event_type not in _READING and any(map(self._concerns, paths)):
            self._on_event()

    def _concerns(self, path: str | bytes) -> bool:
        name = os.fsdecode(path)
        return any(name == each or name.startswith(each + os.sep) for each in self._names)


def _walk(path: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walks over the files that count, as ``os.walk`` does; follows links to directories, but enters none twice."""
    seen: set[str] = set()
    for directory, names, files in os.walk(path, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        names[:] = filter(_counts, names)
        yield directory, names, list(filter(_counts, files))


def _links(path: str) -> Iterator[str]:
    """The real paths of the symbolic links on the way to the absolute ``path``; not those in the root directory."""
    here, rest = os.sep, path.split(os.sep)
    count = 0
    while rest and count < _MOST_LINKS:
        name = rest.pop(0)
        if name == os.pardir:
            here = os.path.dirname(here)
            continue
        step = os.path.join(here, name) if name not in ("", os.curdir) else here
        try:
            target = os.readlink(step) if step != here else None
        except OSError:
            # No link, or not there.
            target = None
        if target is None:
            here = step
            continue
        count += 1
        if here != os.sep:
            # The system's links there do not change, and on some systems observing the root would report all files.
            yield step
        rest = target.split(os.sep) + rest
        if os.path.isabs(target):
            here = os.sep


def _counts(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__" and not name.endswith((".pyc", "~"))
