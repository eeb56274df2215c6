"""Files that are elsewhere: on HDFS, in an object store, wherever fsspec has a file system for the scheme of a URL."""

from __future__ import annotations

import errno
import os
import posixpath
import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from stream_engine.connectors.file_status import FileStatus
from stream_engine.connectors.remote_file import ReadFile, WrittenFile
from stream_engine.connectors.retrying import Patience
from stream_engine.connectors.schemes import check_installed, has_directories, make
from stream_engine.connectors.storage_options import options_of, timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fsspec import AbstractFileSystem

_PATTERN = re.compile(r"[*?\[]")
_PASSWORD = re.compile(r":[^@]*@")
# Of this process; clients have threads and connections, which a process that is forked off does not have.
_systems: dict[tuple[str, str, str], RemoteFileSystem] = {}
# Those of the process that this one was forked off: a client that goes waits for its threads, which are not here.
_inherited: list[RemoteFileSystem] = []


def remote(scheme: str, rest: str) -> tuple[RemoteFileSystem, str]:
    """The file system of the URL ``scheme://rest``, and the URL in its one form.

    Raises ValueError where there is none, or its package is not installed; OSError where it cannot be used.
    """
    authority, slash, path = rest.partition("/")
    base = f"{scheme}://{authority}"
    if _PASSWORD.search(authority):
        shown = f"{scheme}://{_PASSWORD.sub(':...@', authority)}"
        raise ValueError(
            f"cannot use {shown}: a URL is shown in messages, and it has a password; give that as fs.{scheme}.password"
        )
    options = options_of(scheme)
    key = (scheme, authority, repr((options, timeouts())))
    system = _systems.get(key)
    if system is None:
        check_installed(scheme, base + slash + path)
        system = _systems[key] = RemoteFileSystem(scheme, base, make(scheme, base + "/", options))
    return system, system.normal(path)


def _leave_to_parent() -> None:
    _inherited.extend(_systems.values())
    _systems.clear()


os.register_at_fork(after_in_child=_leave_to_parent)


class RemoteFileSystem:
    """The files of one host or bucket. Paths are URLs without a slash at their end.

    An operation is tried again while the store does not answer, and none waits for it without end; see retrying.
    """

    truncates = False

    def __init__(self, scheme: str, base: str, system: AbstractFileSystem) -> None:
        self._base = base
        self._system = system
        self._root = str(cast("Any", system)._strip_protocol(base)).rstrip("/")
        self._has_directories = has_directories(scheme)
        self._patience = Patience(*timeouts())

    def normal(self, path: str) -> str:
        """The URL of what is below the root; a name may be anything in an object store, so only there ``..`` is one."""
        if self._has_directories:
            path = posixpath.normpath("/" + path).lstrip("/")
        path = path.rstrip("/")
        return f"{self._base}/{path}" if path else self._base

    def status(self, path: str) -> FileStatus | None:
        try:
            return self._status(path, self._ask(lambda: self._system.info(self._inner(path)), path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def real(self, path: str) -> str:
        return path

    def readable(self, path: str) -> bool:
        return True

    def join(self, directory: str, name: str) -> str:
        return f"{directory}/{name}"

    def names(self, directory: str) -> list[str]:
        return [name for name, _ in self.children(directory)]

    def children(self, directory: str) -> Iterator[tuple[str, FileStatus | None]]:
        inner = self._inner(directory)
        found: dict[str, FileStatus] = {}
        for info in self._ask(lambda: self._system.ls(inner, detail=True), directory):
            # An object store may have an object in the place of the directory itself.
            name = str(info["name"]).rstrip("/").rpartition("/")[2]
            if name and str(info["name"]).rstrip("/") != inner.rstrip("/"):
                found[name] = self._status(self.join(directory, name), info)
        yield from sorted(found.items())

    def matches(self, pattern: str) -> Iterator[tuple[str, FileStatus | None]]:
        names = pattern[len(self._base) :].strip("/").split("/")
        plain = next((index for index, name in enumerate(names) if _PATTERN.search(name)), len(names))
        start = "/".join([self._base, *names[:plain]])
        found = dict(self._matching(start, None, names[plain:]))
        yield from sorted(found.items())

    def open(self, path: str) -> BinaryIO:
        inner = self._inner(path)
        return cast(
            "BinaryIO", ReadFile(lambda: self._system.open(inner, "rb", cache_type="none"), self._patience, path)
        )

    def create(self, path: str, exclusive: bool = False) -> BinaryIO:
        """Here, a file that is not whole may be seen until it is closed, as the store has it."""
        if exclusive and self.status(path) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        return cast("BinaryIO", WrittenFile(self._system, self._inner(path), self._patience, path))

    def put(self, path: str, data: bytes) -> None:
        self._ask(lambda: self._system.pipe_file(self._inner(path), data), path)

    def reopen(self, path: str, size: int) -> BinaryIO:
        raise OSError(errno.ENOTSUP, "files of this store cannot be written on", path)

    def rename(self, path: str, new_path: str) -> None:
        """Replaces what is at ``new_path``. An object store copies by itself, and then deletes.

        Has been done if ``path`` is gone and ``new_path`` is there, as after an attempt whose answer was lost.
        """
        inner, new = self._inner(path), self._inner(new_path)

        def move() -> None:
            if self._has_directories:
                self._system.mv(inner, new)
            else:
                system = cast("Any", self._system)
                system.cp_file(inner, new)
                system.rm_file(inner)

        try:
            self._ask(move, path)
        except FileNotFoundError:
            if self.status(path) is not None or self.status(new_path) is None:
                raise
        except FileExistsError:
            self.delete_file(new_path)
            self._ask(move, path)

    def delete_file(self, path: str) -> None:
        self._unless_missing(lambda: self._system.rm_file(self._inner(path)), path)

    def delete_directory(self, path: str) -> None:
        if self._has_directories:
            self._unless_missing(lambda: self._system.rmdir(self._inner(path)), path)

    def make_directory(self, path: str, exclusive: bool = False) -> None:
        if exclusive and self.status(path) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if self._has_directories:
            self._ask(lambda: self._system.makedirs(self._inner(path), exist_ok=True), path)
        elif self.status(self._base) is None:
            # Where there are no directories, there is at least to be the bucket.
            raise FileNotFoundError(errno.ENOENT, f"there is no {self._base}", path)

    def parent(self, path: str) -> str:
        below = path[len(self._base) :].strip("/")
        outer = below.rpartition("/")[0]
        return f"{self._base}/{outer}" if outer else self._base

    def _ask(self, call: Callable[[], Any], path: str) -> Any:
        def fresh() -> Any:
            self._system.invalidate_cache()
            return call()

        return self._patience.attempt(fresh, path)

    def _unless_missing(self, call: Callable[[], Any], path: str) -> None:
        try:
            self._ask(call, path)
        except FileNotFoundError:
            pass  # Gone by now, which may be this operation's own doing.

    def _inner(self, path: str) -> str:
        """What fsspec calls a path."""
        below = path[len(self._base) :].strip("/")
        return f"{self._root}/{below}" if below else self._root or self._system.root_marker

    def _status(self, path: str, info: dict[str, Any]) -> FileStatus:
        kind = info.get("type")
        return FileStatus(kind == "directory", kind == "file", int(info.get("size") or 0), path)

    def _matching(
        self, path: str, status: FileStatus | None, names: list[str]
    ) -> Iterator[tuple[str, FileStatus | None]]:
        """What matches ``names`` from ``path`` on, of which the ``status`` may be known; as the glob module has it."""
        if not names:
            status = status or self.status(path)
            if status is not None:
                yield path, status
            return
        if status is not None and not status.directory:
            return
        first, rest = names[0], names[1:]
        if first == "**" and rest:
            yield from self._matching(path, status, rest)
        if not _PATTERN.search(first):
            yield from self._matching(self.join(path, first), None, rest)
            return
        matches = re.compile(translate("*" if first == "**" else first)).match
        try:
            children = list(self.children(path))
        except (FileNotFoundError, NotADirectoryError):
            return
        for name, child in children:
            if matches(name) and (first.startswith(".") or not name.startswith(".")):
                inner = self.join(path, name)
                if first == "**" and not rest:
                    yield inner, child
                yield from self._matching(inner, child, names if first == "**" else rest)
