"""The directories of checkpoints: on this machine, or on a remote store where their root is a URL.

They stay open while something is done in them. On this machine others may be able to rename a directory above, so that
a path leads elsewhere from one moment to the next. So a directory is opened first, then checked, and then used by its
descriptor: what is created, read or deleted is in the directory that was checked. Who may do what on a remote store is
the store's own business.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from stream_engine.checkpoints.owner_only import StorageError, check_private, check_root
from stream_engine.connectors.filesystem import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# How often to try to make a directory whose parent another job removes because it was empty.
_ATTEMPTS = 10


class Directory(Protocol):
    """An open directory, closed when the context ends; ``path`` is for messages. Methods raise OSError.

    A file that was created is whole, and survives, once it has been closed after ``sync_file``.
    """

    path: str

    def __enter__(self) -> Directory: ...

    def __exit__(self, *_: object) -> None: ...

    def names(self) -> list[str]: ...

    def has(self, name: str) -> bool:
        """Whether there is ``name``, which may be a path below the directory."""
        ...

    def enter(self, name: str, make: bool = False) -> Directory:
        """The directory ``name`` in this one, which ``make`` makes. Raises StorageError for one that is not used."""
        ...

    def create(self, name: str) -> BinaryIO:
        """A new file."""
        ...

    def read(self, name: str) -> BinaryIO:
        """A file for reading from any offset. Raises StorageError for one that is not used."""
        ...

    def sync_file(self, file: BinaryIO) -> None:
        """Makes sure that what was written survives a failure of the machine, once the file is closed."""
        ...

    def identity(self, file: BinaryIO) -> Hashable:
        """Another one after the file has been changed or replaced."""
        ...

    def rename(self, name: str, new: str) -> None: ...

    def sync(self) -> None:
        """Makes sure that the names of its files survive a failure of the machine."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Deletes those of the files that exist."""
        ...

    def remove(self, name: str) -> None:
        """Removes an empty directory."""
        ...

    def remove_tree(self, name: str) -> None:
        """Removes the directory ``name`` with all that is in it."""
        ...

    def clear(self) -> None:
        """Removes all that is in this directory."""
        ...


class LocalDirectory:
    """A directory of this machine, held open; see ``Directory``."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def __enter__(self) -> LocalDirectory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)

    def status(self) -> os.stat_result:
        return os.fstat(self._descriptor)

    def names(self) -> list[str]:
        return os.listdir(self._descriptor)

    def has(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def enter(self, name: str, make: bool = False) -> LocalDirectory:
        """``make`` creates it with the mode 0700. Raises StorageError unless it is private."""
        path = os.path.join(self.path, name)
        if make:
            try:
                os.mkdir(name, 0o700, dir_fd=self._descriptor)
            except FileExistsError:
                pass
        return _opened(path, check_private, name, self._descriptor)

    def create(self, name: str) -> BinaryIO:
        """A new file, mode 0600. Raises FileExistsError if there is one."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        return open(os.open(name, flags, 0o600, dir_fd=self._descriptor), "wb")

    def read(self, name: str) -> BinaryIO:
        """A file for reading. Raises StorageError unless it is private, and for what is no file."""
        # Without waiting, in case it is a pipe.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=self._descriptor)
        path = os.path.join(self.path, name)
        try:
            status = os.fstat(descriptor)
            check_private(path, status)
            if not stat.S_ISREG(status.st_mode):
                raise StorageError(f"{path} is not a file.")
        except BaseException:
            os.close(descriptor)
            raise
        return open(descriptor, "rb")

    def sync_file(self, file: BinaryIO) -> None:
        file.flush()
        os.fsync(file.fileno())

    def identity(self, file: BinaryIO) -> Hashable:
        status = os.fstat(file.fileno())
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def rename(self, name: str, new: str) -> None:
        os.rename(name, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            try:
                os.unlink(name, dir_fd=self._descriptor)
            except FileNotFoundError:
                pass

    def remove(self, name: str) -> None:
        os.rmdir(name, dir_fd=self._descriptor)

    def remove_tree(self, name: str) -> None:
        """Only for a directory that others cannot change."""
        self._clear(name)
        self.remove(name)

    def clear(self) -> None:
        self._clear(".")

    def _clear(self, top: str) -> None:
        # fwalk uses descriptors, too, and follows no link.
        for _, directories, files, descriptor in os.fwalk(top, topdown=False, dir_fd=self._descriptor):
            for each in files:
                os.unlink(each, dir_fd=descriptor)
            for each in directories:
                # It may be a link to one.
                is_link = stat.S_ISLNK(os.stat(each, dir_fd=descriptor, follow_symlinks=False).st_mode)
                (os.unlink if is_link else os.rmdir)(each, dir_fd=descriptor)


class Place(NamedTuple):
    """The directories ``names`` below ``root``, each in the one before it.

    The root may be a URL. On this machine the directories are this user's alone, and none is a link. The root may be
    shared, if others can neither rename nor delete this user's files there; ``option`` names the option that sets
    another root. All that is checked whenever the place is opened.
    """

    root: str
    names: tuple[str, ...]
    option: str

    @property
    def path(self) -> str:
        return os.path.join(self.root, *self.names)

    @property
    def parent(self) -> Place:
        return self._replace(names=self.names[:-1])

    def below(self, name: str) -> Place:
        return self._replace(names=(*self.names, name))

    def open(self, make: bool = False) -> Directory:
        """Raises StorageError for a place that other users could change, OSError when it cannot be opened.

        ``make`` makes those of its directories that do not exist.
        """
        if is_url(self.root):
            return _remote(self.path, make)
        for _ in range(_ATTEMPTS):
            try:
                return self._open(make)
            except FileNotFoundError:
                if not make:
                    raise
        return self._open(make)

    def remove_tree(self) -> None:
        """Removes the last directory, with all that is in it; leaves what cannot be removed, without an error."""
        try:
            with self.open() as directory:
                directory.clear()
            with self.parent.open() as parent:
                parent.remove(self.names[-1])
        except (OSError, StorageError):
            pass

    def _open(self, make: bool) -> Directory:
        if make:
            _make_root(self.root)
        directory = open_root(self.root, self.option)
        for name in self.names:
            with directory:
                directory = directory.enter(name, make)
        return directory


def open_private(path: str) -> Directory:
    """Opens a directory that somebody names. Raises StorageError unless it is private, if on this machine; OSError."""
    return _remote(path) if is_url(path) else _opened(path, check_private)


def _remote(path: str, make: bool = False) -> Directory:
    # Most checkpoints are on this machine.
    from stream_engine.checkpoints.remote_directory import open_remote

    return open_remote(path, make)


def open_root(path: str, option: str) -> LocalDirectory:
    """Opens a directory that may be shared. Raises StorageError as ``check_root`` does; OSError."""
    return _opened(path, lambda path, status: check_root(path, status, option))


def _opened(
    path: str, check: Callable[[str, os.stat_result], None], name: str = "", within: int | None = None
) -> LocalDirectory:
    """Opens the directory at ``path``, or ``name`` in the open directory ``within``. Raises what ``check`` raises."""
    try:
        directory = LocalDirectory(path, os.open(name or path, _DIRECTORY, dir_fd=within))
    except FileNotFoundError:
        raise
    except OSError:
        # It may be a link, or its maker may have locked it: the check says more than the error.
        check(path, os.stat(name or path, dir_fd=within, follow_symlinks=False))
        raise
    try:
        check(path, directory.status())
    except BaseException:
        directory.close()
        raise
    return directory


def _make_root(path: str) -> None:
    """Makes a directory, mode 0700, and its parents, to which others cannot write, whatever the umask."""
    missing: list[str] = []
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    for each in reversed(missing):
        try:
            os.mkdir(each, 0o700 if each == missing[0] else 0o755)
        except FileExistsError:
            pass
