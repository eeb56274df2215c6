"""The file with the state of one subtask: for each of its operators, what its snapshot holds, as pickles.

Each is preceded by what it is and how long, so that those of an operator that is no more need not be unpickled.
"""

from __future__ import annotations

import os
import pickle
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO

from stream_engine.checkpoints.private import StorageError, create_private, open_private, unwritable
from stream_engine.operators.snapshot import OperatorSnapshot, StateError
from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from stream_engine.checkpoints.metadata import StateFile

_PARTS = ("keyed", "split", "own")
_BLOCK = 1024 * 1024


def encode(uid: str, snapshot: OperatorSnapshot) -> list[bytes]:
    """What the file holds of one operator. Raises StateError for state that cannot be pickled."""
    encoded: list[bytes] = []
    for part in _PARTS:
        for name, value in getattr(snapshot, part).items():
            try:
                payload = dumps(value)
            except Exception as error:
                raise StateError(
                    f"its state cannot be kept in a checkpoint, as it cannot be pickled ({error})"
                ) from error
            encoded += (pickle.dumps((uid, part, name, len(payload)), 5), payload)
    return encoded


def write_state_file(path: str, encoded: Iterable[bytes]) -> tuple[int, str]:
    """Writes a new file, safely on disk on return; its size and SHA-256. Raises StorageError."""
    size, digest = 0, sha256()
    try:
        with create_private(path) as file:
            for data in encoded:
                file.write(data)
                digest.update(data)
                size += len(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from error
    return size, digest.hexdigest()


def read_state_file(directory: str, info: StateFile, operators: Collection[str]) -> dict[str, OperatorSnapshot]:
    """The snapshots, by uid, of those of ``operators`` that the file has.

    Raises StorageError for a file that is not as it was written, StateError for what cannot be unpickled any more.
    """
    path = os.path.join(directory, info.name)
    snapshots: dict[str, OperatorSnapshot] = {}
    try:
        with open_private(path) as file:
            _verify(path, file, info)
            while file.tell() < info.size:
                uid, part, name, size = pickle.load(file)
                if uid in operators:
                    value = _loaded(file, uid, path)
                    getattr(snapshots.setdefault(uid, OperatorSnapshot()), part)[name] = value
                else:
                    file.seek(size, os.SEEK_CUR)
    except OSError as error:
        raise _unreadable(path, error) from error
    return snapshots


def verify_state_file(directory: str, info: StateFile) -> None:
    """Raises StorageError, which names the file, unless it is private and as it was written."""
    path = os.path.join(directory, info.name)
    try:
        with open_private(path) as file:
            _verify(path, file, info)
    except OSError as error:
        raise _unreadable(path, error) from error


def _verify(path: str, file: BinaryIO, info: StateFile) -> None:
    size = os.fstat(file.fileno()).st_size
    if size != info.size:
        raise StorageError(f"{path} is damaged: it has {size} bytes and should have {info.size}.")
    digest = sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    if digest.hexdigest() != info.sha256:
        raise StorageError(f"{path} is damaged: its checksum is not that of its contents.")
    file.seek(0)


def _loaded(file: BinaryIO, uid: str, path: str) -> Any:
    try:
        return pickle.load(file)
    except Exception as error:
        raise StateError(
            f"its state in {path} cannot be read by this script ({type(error).__name__}: {error}): are the classes of "
            f"its records and keys still where they were? It is the state of {uid!r}"
        ) from error


def _unreadable(path: str, error: OSError) -> StorageError:
    return StorageError(f"Cannot read {path}: {error.strerror or error}.")
