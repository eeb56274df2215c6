"""Files that several checkpoints of a run have in common: each is written once, and deleted with the last of them.

They are in a directory beside those of the checkpoints. A checkpoint's metadata names the files that it needs, with
their sizes and checksums, so that damage to them is found as it is in files of its own.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from stream_engine.checkpoints.directory import open_private
from stream_engine.checkpoints.files import BLOCK, verify_file, write_state_file
from stream_engine.checkpoints.metadata import SharedFile
from stream_engine.checkpoints.owner_only import StorageError, unreadable, unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from stream_engine.checkpoints.directory import Place

SHARED = "shared"
SHARED_FILE = re.compile(r"worker-[0-9]+-[0-9a-f]{12}-[0-9]+\.(sst|changes)")


class SharedFiles:
    """What a worker has written of them. Only one thread uses it."""

    def __init__(self) -> None:
        self._kept: dict[str, SharedFile] = {}

    def has(self, place: Place, file: SharedFile) -> bool:
        """Whether the file is still there. Raises StorageError."""
        try:
            with place.open() as directory:
                return directory.has(file.name)
        except OSError as error:
            raise unreadable(place.path, error) from error

    def keep(self, place: Place, name: str, read: Callable[[], Iterable[bytes]]) -> SharedFile:
        """Writes the file that ``read`` reads, unless it is there already. Raises StorageError."""
        known = self._kept.get(name)
        if known is not None and self.has(place, known):
            return known
        try:
            with place.open() as directory:
                # Perhaps there is a part of it, from an attempt that failed.
                directory.delete([name])
                size, digest = write_state_file(place, name, read())
                directory.sync()
        except OSError as error:
            raise unwritable(place.path, error) from error
        file = self._kept[name] = SharedFile(name, size, digest)
        return file

    def forget_others(self, names: Collection[str]) -> None:
        """Only files with these names may be used again."""
        self._kept = {name: file for name, file in self._kept.items() if name in names}


def shared_beside(directory: str) -> str:
    """The directory of shared files of the checkpoint in ``directory``."""
    return os.path.join(os.path.dirname(directory), SHARED)


def verify_shared(directory: str, files: Iterable[SharedFile]) -> None:
    """Raises StorageError, which names the file, unless all of ``directory`` are private and as they were written."""
    files = tuple(files)
    if not files:
        return
    try:
        with open_private(directory) as opened:
            for file in files:
                path = os.path.join(directory, file.name)
                try:
                    with opened.read(file.name) as stream:
                        verify_file(path, stream, file)
                except OSError as error:
                    raise unreadable(path, error) from error
    except OSError as error:
        raise unreadable(directory, error) from error


def read_shared(directory: str, file: SharedFile) -> Iterator[bytes]:
    """The blocks of a file. Raises StorageError, perhaps at the end, if it is not as it was written."""
    path, digest = os.path.join(directory, file.name), sha256()
    try:
        with open_private(directory) as opened, opened.read(file.name) as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
                yield block
    except OSError as error:
        raise unreadable(path, error) from error
    if digest.hexdigest() != file.sha256:
        raise StorageError(f"{path} is damaged: its checksum is not that of its contents.")
