"""Files of checkpoints, whatever is in them: written once, and read only if they are as they were written."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from stream_engine.checkpoints.owner_only import StorageError, unwritable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream_engine.checkpoints.directory import Place
    from stream_engine.checkpoints.metadata import SharedFile, StateFile

BLOCK = 1024 * 1024
"""Bytes that are read at once."""


def write_state_file(place: Place, name: str, encoded: Iterable[bytes]) -> tuple[int, str]:
    """Writes a new file ``name`` at ``place``, safely on disk on return; its size and SHA-256. Raises StorageError."""
    size, digest = 0, sha256()
    try:
        with place.open() as directory, directory.create(name) as file:
            for data in encoded:
                file.write(data)
                digest.update(data)
                size += len(data)
            directory.sync_file(file)
    except OSError as error:
        raise unwritable(os.path.join(place.path, name), error) from error
    return size, digest.hexdigest()


def verify_file(path: str, file: BinaryIO, info: StateFile | SharedFile) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size != info.size:
        raise StorageError(f"{path} is damaged: it has {size} bytes and should have {info.size}.")
    digest = sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    if digest.hexdigest() != info.sha256:
        raise StorageError(f"{path} is damaged: its checksum is not that of its contents.")
    file.seek(0)
