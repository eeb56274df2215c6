"""A directory of a remote store, or what stands for one in an object store, with checkpoints in it."""

from __future__ import annotations

from io import BufferedReader
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.connectors.filesystem import resolve

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from stream_engine.connectors.filesystem import FileSystem

_BUFFER = 64 * 1024


def open_remote(path: str, make: bool = False) -> RemoteDirectory:
    """The directory at a URL. Raises StorageError for a URL that cannot be used, OSError where it cannot be made."""
    try:
        file_system, resolved = resolve(path)
    except ValueError as error:
        raise StorageError(f"{error}.") from error
    if make:
        file_system.make_directory(resolved)
    return RemoteDirectory(file_system, resolved)


class RemoteDirectory:
    """See ``Directory``. A file is in the store when it has been closed; nothing else is to be made sure of."""

    def __init__(self, file_system: FileSystem, path: str) -> None:
        self._file_system = file_system
        self.path = path

    def __enter__(self) -> RemoteDirectory:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def names(self) -> list[str]:
        return self._file_system.names(self.path)

    def has(self, name: str) -> bool:
        return self._file_system.status(self._inner(name)) is not None

    def enter(self, name: str, make: bool = False) -> RemoteDirectory:
        path = self._inner(name)
        if make:
            self._file_system.make_directory(path)
        return RemoteDirectory(self._file_system, path)

    def create(self, name: str) -> BinaryIO:
        return self._file_system.create(self._inner(name))

    def read(self, name: str) -> BinaryIO:
        file = self._file_system.open(self._inner(name))
        return cast("BinaryIO", BufferedReader(cast("Any", file), _BUFFER))

    def sync_file(self, file: BinaryIO) -> None:
        pass

    def identity(self, file: BinaryIO) -> Hashable:
        # The files of a checkpoint are written once, under names that nobody else uses.
        return None

    def rename(self, name: str, new: str) -> None:
        self._file_system.rename(self._inner(name), self._inner(new))

    def sync(self) -> None:
        pass

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._file_system.delete_file(self._inner(name))

    def remove(self, name: str) -> None:
        self._file_system.delete_directory(self._inner(name))

    def remove_tree(self, name: str) -> None:
        self.enter(name).clear()
        self.remove(name)

    def clear(self) -> None:
        for name, status in list(self._file_system.children(self.path)):
            if status is not None and status.directory:
                self.remove_tree(name)
            else:
                self.delete([name])

    def _inner(self, name: str) -> str:
        return self._file_system.join(self.path, name)
