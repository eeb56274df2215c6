"""Finds, keeps and deletes checkpoints and savepoints; only complete and undamaged ones count."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from stream_engine.checkpoints.directory import Directory, Place, open_private, open_root
from stream_engine.checkpoints.metadata import (
    METADATA,
    METADATA_PART,
    Metadata,
    read_metadata,
    write_metadata,
)
from stream_engine.checkpoints.owner_only import StorageError, unreadable, unwritable
from stream_engine.checkpoints.shared import SHARED, SHARED_FILE, shared_beside, verify_shared
from stream_engine.checkpoints.state_file import STATE_FILE, verify_state_file
from stream_engine.connectors.filesystem import is_url, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CHECKPOINTS = "state.checkpoints.dir"
SAVEPOINTS = "state.savepoints.dir"
_CHECKPOINT = re.compile(r"chk-([0-9]+)")


def checkpoint_root(path: str, option: str) -> str:
    """The directory that an option names, links resolved: none is followed later. Raises StorageError for no path."""
    named = _named(path, option)
    return named if is_url(named) else os.path.realpath(named)


def default_root() -> str:
    """The default place for checkpoints: each user's own directory below the system's temporary one."""
    from tempfile import gettempdir

    return os.path.join(gettempdir(), f"pyflink-stream-checkpoints-{os.geteuid()}")


class CheckpointStorage:
    """The checkpoints of one run of a job: in ``<root>/<job id>`` a directory ``chk-N`` for each.

    A ``temporary`` root is removed with the last run's checkpoints in it. Methods raise StorageError.
    """

    def __init__(self, root: str, job_id: str, temporary: bool = False) -> None:
        self._run = Place(root, (job_id,), CHECKPOINTS)
        self._temporary = temporary
        # The number of the newest complete one.
        self._completed = 0
        # The shared files that each complete checkpoint needs, by its number.
        self._needed: dict[int, set[str]] = {}

    @property
    def directory(self) -> str:
        return self._run.path

    def prepare(self) -> None:
        """Makes the directory, so that a directory that cannot be written to is found before the job begins."""
        _make(self._run)

    def begin(self, checkpoint: int) -> Place:
        """Makes the directory for the files of a checkpoint."""
        place = self._place(checkpoint)
        discard(place)
        _make(place)
        return place

    def share(self) -> Place:
        """Makes the directory for files that several checkpoints need."""
        place = self._run.below(SHARED)
        _make(place)
        return place

    def complete(self, metadata: Metadata, retained: int) -> None:
        """Makes a checkpoint count whose files are all written; deletes all but the ``retained`` newest.

        Nobody may be writing to the run's directory.
        """
        write_metadata(self._place(metadata.checkpoint), metadata)
        self._completed = max(self._completed, metadata.checkpoint)
        self._needed[metadata.checkpoint] = {shared.name for file in metadata.files for shared in file.shared}
        for number in self._numbers(_complete)[retained:]:
            discard(self._place(number))
        if any(self._needed.values()):
            self._delete_unneeded()

    def newest(self, damages: list[str]) -> tuple[str, Metadata] | None:
        """The path and the metadata of the newest undamaged checkpoint; None when there is none.

        ``damages`` gets, for each newer one, what is wrong with it.
        """
        try:
            with self._run.open() as run:
                complete = list(_complete(run))
        except StorageError as error:
            damages.append(str(error))
            return None
        except OSError:
            complete = []
        if self._completed > max(complete, default=0):
            damages.append(f"{self._place(self._completed).path} is gone: it has been removed while the job ran.")
        for number in complete:
            place = self._place(number)
            try:
                with place.open() as directory:
                    return place.path, verified(directory)
            except OSError as error:
                damages.append(str(unreadable(place.path, error)))
            except StorageError as error:
                damages.append(str(error))
        return None

    def _delete_unneeded(self) -> None:
        """Deletes the shared files that no complete checkpoint needs."""
        complete = self._numbers(_complete)
        if complete:
            self._needed = {number: names for number, names in self._needed.items() if number in complete}
            needed = set[str]().union(*self._needed.values())
            self._delete_shared(lambda name: name not in needed)

    def _delete_shared(self, goes: Callable[[str], bool]) -> None:
        try:
            with self._run.below(SHARED).open() as shared:
                shared.delete(name for name in shared.names() if SHARED_FILE.fullmatch(name) and goes(name))
        except (OSError, StorageError):
            pass  # There is none, or other users could change it.

    def delete(self) -> None:
        """Deletes all checkpoints of the run."""
        for number in self._numbers(_numbers):
            discard(self._place(number))
        self._delete_shared(lambda _: True)
        try:
            with self._run.open() as run:
                run.remove(SHARED)
        except (OSError, StorageError):
            pass  # As above.
        try:
            with self._run.parent.open() as root:
                root.remove(self._run.names[-1])
            if self._temporary:
                os.rmdir(self._run.root)
        except (OSError, StorageError):
            pass  # It holds something else, is gone already, or other users could change it.

    def _place(self, checkpoint: int) -> Place:
        return self._run.below(f"chk-{checkpoint}")

    def _numbers(self, among: Callable[[Directory], Iterable[int]]) -> list[int]:
        try:
            with self._run.open() as run:
                return list(among(run))
        except (OSError, StorageError):
            return []


def check_savepoint_root(directory: str) -> None:
    """Checks that savepoints can be written to a directory, which need not exist yet. Raises StorageError."""
    if is_url(directory):
        _make(Place(directory, (), SAVEPOINTS))
        return
    existing = directory
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise StorageError(f"Cannot write a savepoint to {directory}: {existing} is not a directory.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise StorageError(f"Cannot write a savepoint to {directory}: {existing} cannot be written to.")
    if existing == directory:
        try:
            with open_root(directory, SAVEPOINTS):
                pass
        except OSError as error:
            raise StorageError(f"Cannot write a savepoint to {directory}: {error.strerror}.") from error


def begin_savepoint(root: str, job_id: str) -> Place:
    """Makes a directory for a savepoint in ``root``. Raises StorageError."""
    place = Place(root, (f"savepoint-{job_id[:6]}-{os.urandom(6).hex()}",), SAVEPOINTS)
    _make(place)
    return place


def find(path: str) -> tuple[str, Metadata]:
    """Finds and verifies a savepoint or checkpoint that somebody names; returns its directory and metadata.

    ``path`` is its directory, its ``_metadata``, or the directory of a run, of which the newest checkpoint is taken.
    Raises StorageError when there is none, and for one that is damaged or another user's.
    """
    named = _named(path, "the savepoint")
    if os.path.basename(named) == METADATA:
        named = os.path.dirname(named)
    if not is_url(named) and not os.path.isdir(named):
        raise StorageError(f"There is no savepoint or checkpoint {path}: there is no such directory.")
    try:
        with open_private(named) as directory:
            if directory.has(METADATA):
                return named, verified(directory)
            for newest in _complete(directory):
                with directory.enter(f"chk-{newest}") as checkpoint:
                    return checkpoint.path, verified(checkpoint)
    except FileNotFoundError as error:
        raise StorageError(f"There is no savepoint or checkpoint {path}: {error.strerror}.") from error
    except OSError as error:
        raise unreadable(named, error) from error
    raise StorageError(f"There is no complete savepoint or checkpoint in {path}: it would have a file {METADATA}.")


def verified(directory: Directory) -> Metadata:
    """The metadata of a checkpoint. Raises StorageError, which names the file, unless all is as it was written."""
    metadata = read_metadata(directory)
    for file in metadata.files:
        verify_state_file(directory, file)
    verify_shared(shared_beside(directory.path), {shared for file in metadata.files for shared in file.shared})
    return metadata


def discard(place: Place) -> None:
    """Deletes a checkpoint, complete or not; what cannot be deleted stays, and does not count.

    Deletes only files that jobs write, and nothing at a place that other users could change.
    """
    try:
        with place.open() as directory:
            names = [name for name in directory.names() if _is_ours(name)]
            # Deleted first: the checkpoint must no longer count before it is no longer whole.
            directory.delete(sorted(names, key=lambda name: name != METADATA))
        with place.parent.open() as parent:
            parent.remove(place.names[-1])
    except (OSError, StorageError):
        pass


def _named(path: str, option: str) -> str:
    try:
        return resolve(path)[1]
    except (ValueError, OSError) as error:
        raise StorageError(f"{option}: {error}.") from error


def _make(place: Place) -> None:
    try:
        with place.open(make=True):
            pass
    except OSError as error:
        raise unwritable(place.path, error) from error


def _is_ours(name: str) -> bool:
    return name in (METADATA, METADATA_PART) or STATE_FILE.fullmatch(name) is not None


def _numbers(directory: Directory) -> list[int]:
    """The numbers of the checkpoints in the directory of a run, complete or not; newest first."""
    matches = map(_CHECKPOINT.fullmatch, directory.names())
    return sorted((int(match.group(1)) for match in matches if match), reverse=True)


def _complete(directory: Directory) -> Iterator[int]:
    """The numbers of the complete checkpoints in the directory of a run, newest first."""
    return (number for number in _numbers(directory) if directory.has(os.path.join(f"chk-{number}", METADATA)))
