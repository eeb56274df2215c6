"""Where checkpoints and savepoints are, which are complete, and which of those are fit for use."""

from __future__ import annotations

import os
import re

from stream_engine.checkpoints.metadata import METADATA, Metadata, read_metadata, write_metadata
from stream_engine.checkpoints.private import StorageError, check_private, delete_files, make_private_directory
from stream_engine.checkpoints.state_file import verify_state_file
from stream_engine.connectors.filesystem import LocalFileSystem, resolve

_CHECKPOINT = re.compile(r"chk-([0-9]+)")


def checkpoint_root(path: str, option: str) -> str:
    """The directory that an option names, as a path of this machine. Raises StorageError when it is none."""
    try:
        file_system, resolved = resolve(path)
    except ValueError as error:
        raise StorageError(f"{option}: {error}.") from error
    if not isinstance(file_system, LocalFileSystem):
        raise StorageError(f"{option}: {path} is not on this machine, where the checkpoints of its jobs are kept.")
    return resolved


def default_root() -> str:
    """Where checkpoints go when nobody says: each user's own directory below the system's temporary one."""
    from tempfile import gettempdir

    return os.path.join(gettempdir(), f"pyflink-stream-checkpoints-{os.geteuid()}")


class CheckpointStorage:
    """The checkpoints of one run of a job: in ``<root>/<job id>`` a directory ``chk-N`` for each.

    A ``temporary`` root is removed with the last run's checkpoints in it. What cannot be done raises StorageError.
    """

    def __init__(self, root: str, job_id: str, temporary: bool = False) -> None:
        self.directory = os.path.join(root, job_id)
        self._root = root
        self._temporary = temporary

    def prepare(self) -> None:
        """Makes the directory, so that one that cannot be written to is found before the job begins."""
        if self._temporary:
            make_private_directory(self._root)
        make_private_directory(self.directory)

    def path(self, checkpoint: int) -> str:
        return os.path.join(self.directory, f"chk-{checkpoint}")

    def begin(self, checkpoint: int) -> str:
        """Makes the directory that the files of a checkpoint are to be written to; gives its path."""
        path = self.path(checkpoint)
        discard(path)
        make_private_directory(path)
        return path

    def complete(self, metadata: Metadata, retained: int) -> None:
        """Lets a checkpoint count all of whose files are written; of all that count, the ``retained`` newest stay."""
        write_metadata(self.path(metadata.checkpoint), metadata)
        for number in self._complete()[retained:]:
            discard(self.path(number))

    def newest(self, damages: list[str]) -> tuple[str, Metadata] | None:
        """The path and the metadata of the newest checkpoint that is as it was written; None when there is none.

        ``damages`` gets, for each newer one, what was wrong with it.
        """
        for number in self._complete():
            try:
                return self.path(number), verified(self.path(number))
            except StorageError as error:
                damages.append(str(error))
        return None

    def delete(self) -> None:
        """Deletes all checkpoints of the run."""
        for number in _numbers(self.directory):
            discard(self.path(number))
        _remove_directory(self.directory)
        if self._temporary:
            _remove_directory(self._root)

    def _complete(self) -> list[int]:
        return [number for number in _numbers(self.directory) if _is_complete(self.path(number))]


def check_savepoint_root(directory: str) -> None:
    """Whether there can be savepoints in a directory, which need not be there yet. Raises StorageError."""
    existing = directory
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise StorageError(f"Cannot write a savepoint to {directory}: {existing} is not a directory.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise StorageError(f"Cannot write a savepoint to {directory}: {existing} cannot be written to.")


def begin_savepoint(directory: str, job_id: str) -> str:
    """Makes a directory for a savepoint in ``directory``; gives its path. Raises StorageError."""
    path = os.path.join(directory, f"savepoint-{job_id[:6]}-{os.urandom(6).hex()}")
    make_private_directory(path)
    return path


def find(path: str) -> tuple[str, Metadata]:
    """The directory and metadata of a savepoint or checkpoint that somebody names, verified.

    ``path`` is its directory, its ``_metadata``, or the directory of a run, of which the newest checkpoint is taken.
    Raises StorageError when there is none, and for one that is damaged or another user's.
    """
    directory = checkpoint_root(path, "the savepoint")
    if os.path.basename(directory) == METADATA:
        directory = os.path.dirname(directory)
    numbers = [number for number in _numbers(directory) if _is_complete(os.path.join(directory, f"chk-{number}"))]
    if not _is_complete(directory) and numbers:
        check_private(directory, os.lstat(directory))
        directory = os.path.join(directory, f"chk-{numbers[0]}")
    if not os.path.isdir(directory):
        raise StorageError(f"There is no savepoint or checkpoint {path}: there is no such directory.")
    if not _is_complete(directory):
        raise StorageError(f"There is no complete savepoint or checkpoint in {path}: it would have a file {METADATA}.")
    return directory, verified(directory)


def verified(directory: str) -> Metadata:
    """The metadata of a checkpoint. Raises StorageError, which names the file, unless all is as it was written."""
    metadata = read_metadata(directory)
    for file in metadata.files:
        verify_state_file(directory, file)
    return metadata


def discard(directory: str) -> None:
    """Deletes a checkpoint, complete or not; what cannot be deleted stays, and does not count."""
    try:
        names = os.listdir(directory)
        # It no longer counts, before it is no longer whole.
        delete_files(directory, sorted(names, key=lambda name: name != METADATA))
    except OSError:
        return
    _remove_directory(directory)


def _numbers(directory: str) -> list[int]:
    """Those of the checkpoints in the directory of a run, complete or not; newest first."""
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    return sorted((int(match.group(1)) for match in map(_CHECKPOINT.fullmatch, names) if match), reverse=True)


def _is_complete(directory: str) -> bool:
    return os.path.isfile(os.path.join(directory, METADATA))


def _remove_directory(directory: str) -> None:
    try:
        os.rmdir(directory)
    except OSError:
        pass  # It holds something else, or is gone already.
