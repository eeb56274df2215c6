"""The metadata of a checkpoint: which files belong to it, and whose state they hold.

It is text, so that people can read it, and so that nothing is unpickled before it has been checked.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from stream_engine.checkpoints.owner_only import StorageError, unreadable, unwritable

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Directory, Place

METADATA = "_metadata"
METADATA_PART = "_metadata.part"
# The format of the files; raised when older ones can no longer be read.
FORMAT = 1
_MAGIC = "pyflink-stream checkpoint"
_HEADER = re.compile(rb"pyflink-stream checkpoint ([0-9]+) ([0-9a-f]{64})")


@dataclass(frozen=True)
class SharedFile:
    """A file that other checkpoints may need as well; ``size`` in bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StateFile:
    """A file with the state of subtask ``index`` (from 0) of each of some ``operators``, by uid; ``size`` in bytes.

    Some of the state may be in ``shared`` files.
    """

    name: str
    size: int
    sha256: str
    index: int
    operators: tuple[str, ...]
    shared: tuple[SharedFile, ...] = ()


@dataclass(frozen=True)
class OperatorInfo:
    """The operator's name in reports, and how many subtasks it had."""

    name: str
    parallelism: int


@dataclass(frozen=True)
class Metadata:
    """``operators`` by uid: all operators of the job, also those without state. ``time`` in ms since the epoch.

    Runs with the same ``key_hash`` have equal hashes for equal keys; see ``operators.snapshot.key_hash``.
    """

    checkpoint: int
    job_id: str
    job_name: str
    time: int
    key_hash: int
    operators: dict[str, OperatorInfo]
    files: tuple[StateFile, ...]
    format: int = field(default=FORMAT)

    @property
    def stateful(self) -> set[str]:
        """The uids of the operators that have state here."""
        return {operator for file in self.files for operator in file.operators}


def write_metadata(place: Place, metadata: Metadata) -> None:
    """Completes the checkpoint at ``place``, all of whose files are written. Raises StorageError."""
    body = json.dumps(asdict(metadata), indent=1).encode()
    try:
        with place.open() as directory:
            with directory.create(METADATA_PART) as file:
                file.write(f"{_MAGIC} {FORMAT} {sha256(body).hexdigest()}\n".encode() + body)
                directory.sync_file(file)
            directory.rename(METADATA_PART, METADATA)
            directory.sync()
        with place.parent.open() as parent:
            parent.sync()
    except OSError as error:
        raise unwritable(place.path, error) from error


def read_metadata(directory: Directory) -> Metadata:
    """Raises StorageError, which names the file, if it is missing, damaged, of another format, or not private."""
    path = os.path.join(directory.path, METADATA)
    try:
        with directory.read(METADATA) as file:
            header, _, body = file.read().partition(b"\n")
    except OSError as error:
        raise unreadable(path, error) from error
    match = _HEADER.fullmatch(header)
    if match is None:
        raise StorageError(f"{path} is damaged, or not the metadata of a checkpoint.")
    form, digest = match.groups()
    if int(form) != FORMAT:
        raise StorageError(f"{path} is of format {int(form)}, and this version reads format {FORMAT} only.")
    if sha256(body).hexdigest().encode() != digest:
        raise StorageError(f"{path} is damaged: its checksum is not that of its contents.")
    return _from_json(json.loads(body))


def _from_json(fields: dict[str, Any]) -> Metadata:
    fields["operators"] = {uid: OperatorInfo(**info) for uid, info in fields["operators"].items()}
    fields["files"] = tuple(_state_file(each) for each in fields["files"])
    return Metadata(**fields)


def _state_file(fields: dict[str, Any]) -> StateFile:
    # Older checkpoints share nothing.
    shared = tuple(SharedFile(**each) for each in fields.pop("shared", ()))
    return StateFile(**{**fields, "operators": tuple(fields["operators"]), "shared": shared})
