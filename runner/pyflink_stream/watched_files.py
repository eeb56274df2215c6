"""The files that a run is made of, and whether what is in them has changed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from watchdog.events import FileSystemEvent

# What only says that somebody, perhaps the run itself, has looked.
_READING = ("opened", "closed_no_write")


class _Content(NamedTuple):
    """A file's digest, and the state of the file that it was made of."""

    state: tuple[int, int, int]
    digest: bytes


class WatchedFiles:
    """Files, and directories with all that is below them but hidden, compiled and backup files.

    An editor may write another file and give it the name of the old one, in several steps, or write what was there
    already; so any event only means that the contents are to be looked at.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        # Events name files as they really are.
        self._paths = [os.path.realpath(path) for path in paths]
        self._contents: dict[str, _Content] = {}
        self._observer: Any = None
        self._observed: dict[str, int] = {}
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
            # The system has no more of what it notifies with.
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
        """The files whose contents are others than at the last call, or which are new, or gone."""
        if self._directories() != self._observed:
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
                continue  # Gone, or about to be replaced.

    def _files(self) -> Iterator[str]:
        for path in self._paths:
            if not os.path.isdir(path):
                yield path
            for directory, names, files in os.walk(path):
                names[:] = [name for name in names if _counts(name)]
                yield from (os.path.join(directory, name) for name in files if _counts(name))

    # --- events ------------------------------------------------------------------------------------------------------

    def _directories(self) -> dict[str, int]:
        """The directories to be observed, each with what tells whether it is still the same one."""
        wanted = {*map(os.path.dirname, self._paths), *filter(os.path.isdir, self._paths)}
        found = {}
        for directory in wanted:
            try:
                found[directory] = os.stat(directory).st_ino
            except OSError:
                continue
        return found

    def _observe(self) -> None:
        self._observer.unschedule_all()
        self._observed = self._directories()
        for directory in self._observed:
            self._observer.schedule(self, directory, recursive=directory in self._paths)

    def dispatch(self, event: FileSystemEvent) -> None:
        """What the observer calls; in a thread of its own."""
        paths = (event.src_path, getattr(event, "dest_path", ""))
        if event.event_type not in _READING and any(map(self._concerns, paths)):
            self._on_event()

    def _concerns(self, path: str | bytes) -> bool:
        name = os.fsdecode(path)
        return any(name == each or name.startswith(each + os.sep) for each in self._paths)


def _counts(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__" and not name.endswith((".pyc", "~"))
