"""The file system of each path or URL that people write, and the operations that connectors need of it.

Another file system implements FileSystem, and ``resolve`` returns it for its scheme.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from typing import TYPE_CHECKING, BinaryIO, Protocol

from stream_engine.connectors.file_status import FileStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class FileSystem(Protocol):
    """The operations that connectors need. Paths are those that ``resolve`` gave or that this object returned.

    Operations raise OSError or its subclasses. Where ``truncates`` is False, a file that was written is as it is: it
    can neither be cut nor written on.
    """

    truncates: bool

    def status(self, path: str) -> FileStatus | None:
        """What stands at ``path``, links followed; None for nothing, as where a link leads nowhere or to itself."""
        ...

    def real(self, path: str) -> str:
        """The path without links, whether or not something stands there."""
        ...

    def readable(self, path: str) -> bool:
        """Whether this process may read the file or list the directory; True where only trying can tell."""
        ...

    def join(self, directory: str, name: str) -> str: ...

    def names(self, directory: str) -> list[str]:
        """The names in a directory, sorted."""
        ...

    def children(self, directory: str) -> Iterator[tuple[str, FileStatus | None]]:
        """The names in a directory, sorted, each with the status of what it stands for."""
        ...

    def matches(self, pattern: str) -> Iterator[tuple[str, FileStatus | None]]:
        """The paths that a glob pattern matches, sorted, with their statuses.

        Names that begin with a dot match only where the pattern has that dot.
        """
        ...

    def open(self, path: str) -> BinaryIO:
        """A file for reading from any offset, without a buffer."""
        ...

    def create(self, path: str, exclusive: bool = False) -> BinaryIO:
        """A file for writing, emptied, without a buffer. Raises FileExistsError when ``exclusive`` and it is there."""
        ...

    def put(self, path: str, data: bytes) -> None:
        """A whole file at once, in place of any other; harmless when it is done twice."""
        ...

    def reopen(self, path: str, size: int) -> BinaryIO:
        """A file that is there, cut to ``size`` bytes, for writing on. Raises EOFError when it is shorter than that."""
        ...

    def rename(self, path: str, new_path: str) -> None: ...

    def delete_file(self, path: str) -> None: ...

    def delete_directory(self, path: str) -> None:
        """Deletes an empty directory."""
        ...

    def make_directory(self, path: str, exclusive: bool = False) -> None:
        """Makes a directory and its parents. Raises FileExistsError when ``exclusive`` and it is there."""
        ...

    def parent(self, path: str) -> str: ...


class LocalFileSystem:
    """The files of this machine; paths are absolute."""

    truncates = True

    def status(self, path: str) -> FileStatus | None:
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise
        identity = (found.st_dev, found.st_ino)
        return FileStatus(stat.S_ISDIR(found.st_mode), stat.S_ISREG(found.st_mode), found.st_size, identity)

    def real(self, path: str) -> str:
        return os.path.realpath(path)

    def readable(self, path: str) -> bool:
        return os.access(path, os.R_OK)

    def join(self, directory: str, name: str) -> str:
        return os.path.join(directory, name)

    def names(self, directory: str) -> list[str]:
        return sorted(os.listdir(directory))

    def children(self, directory: str) -> Iterator[tuple[str, FileStatus | None]]:
        for name in self.names(directory):
            yield name, self.status(os.path.join(directory, name))

    def matches(self, pattern: str) -> Iterator[tuple[str, FileStatus | None]]:
        for path in sorted(glob.iglob(pattern, recursive=True)):
            yield path, self.status(path)

    def open(self, path: str) -> BinaryIO:
        return open(path, "rb", buffering=0)

    def create(self, path: str, exclusive: bool = False) -> BinaryIO:
        return open(path, "xb" if exclusive else "wb", buffering=0)

    def put(self, path: str, data: bytes) -> None:
        with open(path, "wb") as file:
            file.write(data)

    def reopen(self, path: str, size: int) -> BinaryIO:
        if os.stat(path).st_size < size:
            raise EOFError(f"{path} has fewer than {size} bytes")
        os.truncate(path, size)
        return open(path, "ab", buffering=0)

    def rename(self, path: str, new_path: str) -> None:
        os.rename(path, new_path)

    def delete_file(self, path: str) -> None:
        os.unlink(path)

    def delete_directory(self, path: str) -> None:
        os.rmdir(path)

    def make_directory(self, path: str, exclusive: bool = False) -> None:
        os.makedirs(path, exist_ok=not exclusive)

    def parent(self, path: str) -> str:
        return os.path.dirname(path)


_LOCAL = LocalFileSystem()


def resolve(path: str | os.PathLike[str]) -> tuple[FileSystem, str]:
    """The file system of a path or URL, and the path on it.

    A plain path is taken literally; a relative one starts from the working directory. A ``file:`` URL is
    percent-decoded. A URL of another scheme is what its file system calls a path. Raises ValueError for a path that
    means nothing or lies on a file system that is not supported, OSError for one that cannot be used.
    """
    text = os.fspath(path)
    if not text or "\0" in text:
        raise ValueError(f"{text!r} is not a path")
    if text[:5].lower() == "file:":
        return _LOCAL, os.path.abspath(_path_of_file_url(text))
    scheme = _SCHEME.match(text)
    if scheme:
        # Few jobs need it, and it takes its time.
        from stream_engine.connectors.remote_filesystem import remote

        return remote(scheme[1].lower(), text[scheme.end() :])
    return _LOCAL, os.path.abspath(text)


def is_url(path: str) -> bool:
    """Whether a path that ``resolve`` gave lies elsewhere than on this machine."""
    return _SCHEME.match(path) is not None


def _path_of_file_url(url: str) -> str:
    from urllib.parse import unquote

    rest = url[5:]
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        if host not in ("", "localhost"):
            raise ValueError(
                f"cannot use {url}: it names a file of the machine {host!r}; a file of this one has three slashes, "
                f"file:///{host}{slash}{rest}"
            )
        rest = slash + rest
    if not rest:
        raise ValueError(f"{url!r} is not a path")
    return unquote(rest, errors="surrogateescape")
