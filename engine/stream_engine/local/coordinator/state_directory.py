"""The directory in which a job keeps keyed state on disk; it is removed when the job ends."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stream_engine.configuration.options import STATE_BACKEND, TMP_DIRS
from stream_engine.job import InvalidProgramException
from stream_engine.local.state_place import STATE_DIRECTORY, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.checkpoints.directory import Place
    from stream_engine.configuration import Configuration
    from stream_engine.local.forkserver.client import ForkServer


@contextmanager
def state_directory(configuration: Configuration, server: ForkServer) -> Iterator[Configuration]:
    """The configuration for workers, with a directory for tables on disk while the context lasts, if it asks for one.

    Raises InvalidProgramException if there cannot be such a directory.
    """
    if configuration.get(STATE_BACKEND) == "hashmap":
        yield configuration
        return
    from importlib.util import find_spec

    if find_spec("rocksdict") is None:
        from stream_engine.installation import extra

        raise InvalidProgramException(
            f"state.backend: rocksdb needs a package that is not installed: {extra('rocksdb')}"
        )
    place = _made(configuration.get(TMP_DIRS))
    server.remove_at_end(place)
    try:
        yield configuration.copy().set(STATE_DIRECTORY, place.path)
    finally:
        place.remove_tree()


def _made(parents: tuple[str, ...]) -> Place:
    """A new directory for the tables of a job. Raises InvalidProgramException."""
    from tempfile import gettempdir, mkdtemp

    from stream_engine.checkpoints.directory import open_root
    from stream_engine.checkpoints.owner_only import StorageError

    # Links resolved, as the database uses paths.
    parent = os.path.realpath(parents[0] if parents else gettempdir())
    try:
        with open_root(parent, TMP_DIRS.key):
            return place_of(mkdtemp(prefix="pyflink-stream-state-", dir=parent))
    except StorageError as error:
        raise InvalidProgramException(f"state.backend: rocksdb needs a directory: {error}") from error
    except OSError as error:
        raise InvalidProgramException(
            f"state.backend: rocksdb needs a directory in {parent}: {error.strerror}."
        ) from error
