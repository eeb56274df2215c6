"""Checkpoints written as a job does: a file of each subtask, then the metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.checkpoints.files import write_state_file
from stream_engine.checkpoints.metadata import Metadata, OperatorInfo, StateFile
from stream_engine.checkpoints.state_file import Encoding
from stream_engine.operators.snapshot import OperatorSnapshot, key_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream_engine.checkpoints.directory import Place
    from stream_engine.checkpoints.storage import CheckpointStorage


def write_files(place: Place, subtasks: Sequence[Mapping[str, OperatorSnapshot]]) -> tuple[StateFile, ...]:
    """A file for each subtask, with its operators' snapshots by uid."""
    files: list[StateFile] = []
    for index, snapshots in enumerate(subtasks):
        name = f"worker-{index + 1}"
        encoded = [data for uid, snapshot in snapshots.items() for data in Encoding(uid, snapshot)]
        size, digest = write_state_file(place, name, encoded)
        files.append(StateFile(name, size, digest, index, tuple(snapshots)))
    return tuple(files)


def metadata_of(checkpoint: int, files: tuple[StateFile, ...], width: int, **names: str) -> Metadata:
    """``names`` are those of the operators, by uid."""
    operators = {uid: OperatorInfo(name, width) for uid, name in names.items()}
    return Metadata(checkpoint, "a" * 32, "a job", 0, key_hash(), operators, files)


def take(storage: CheckpointStorage, checkpoint: int, value: object = None, retained: int = 1) -> str:
    """A complete checkpoint of one operator, ``sum``, that remembers a value; gives its directory."""
    place = storage.begin(checkpoint)
    files = write_files(place, [{"sum": OperatorSnapshot(own={"value": value})}])
    storage.complete(metadata_of(checkpoint, files, 1, sum="Sum"), retained)
    return place.path
