"""Where the workers of a job keep the state of keys: in memory, or in directories that do not outlast the job."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.checkpoints.directory import Place
    from stream_engine.configuration import Configuration
    from stream_engine.local.forkserver.client import ForkServer
    from stream_engine.operators.tables import Tables

# The job's directory, told to its workers.
_DIRECTORY = "state.backend.rocksdb.localdir"
_PARENT = "io.tmp.dirs"


@contextmanager
def tables_directory(configuration: Configuration, server: ForkServer) -> Iterator[Configuration]:
    """The configuration for workers, which may keep tables on disk while the context lasts; in the script's process.

    Raises InvalidProgramException when the configuration asks for that and it cannot be had.
    """
    if configuration.get("state.backend") == "hashmap":
        yield configuration
        return
    from importlib.util import find_spec

    if find_spec("rocksdict") is None:
        from stream_engine.installation import extra

        raise InvalidProgramException(
            f"state.backend: rocksdb is in a package that is not installed: {extra('rocksdb')}"
        )
    place = _made(configuration.get(_PARENT))
    server.remove_at_end(place)
    try:
        yield configuration.copy().set(_DIRECTORY, place.path)
    finally:
        place.remove_tree()


def _made(parents: tuple[str, ...]) -> Place:
    """A new directory for the tables of a job. Raises InvalidProgramException."""
    from tempfile import gettempdir, mkdtemp

    from stream_engine.checkpoints.directory import open_root
    from stream_engine.checkpoints.owner_only import StorageError

    # Without links, as the database goes by paths.
    parent = os.path.realpath(parents[0] if parents else gettempdir())
    try:
        with open_root(parent, _PARENT):
            return _place(mkdtemp(prefix="pyflink-stream-state-", dir=parent))
    except StorageError as error:
        raise InvalidProgramException(f"state.backend: rocksdb needs a directory: {error}") from error
    except OSError as error:
        raise InvalidProgramException(
            f"state.backend: rocksdb needs a directory in {parent}: {error.strerror}."
        ) from error


def _place(directory: str) -> Place:
    from stream_engine.checkpoints.directory import Place

    parent, name = os.path.split(directory)
    return Place(parent, (name,), _PARENT)


def tables_on_disk(configuration: Configuration, index: int) -> Tables:
    """The tables of the worker ``index``; what there is of them on disk, the script's process removes.

    Raises StorageError when others have a say in where they are, OSError when they cannot be there.
    """
    from stream_engine.operators.rocksdb import RocksDbTables

    place = _place(configuration.get(_DIRECTORY))
    # What cleans temporary directories may have removed it, which is no reason for the job to end.
    with place.open(make=True) as job:
        # Of a worker that was killed, and whose place this one takes.
        for name in job.names():
            if re.fullmatch(f"{index}-[0-9]+", name):
                with suppress(OSError):
                    job.remove_tree(name)
    return RocksDbTables(os.path.join(place.path, f"{index}-{os.getpid()}"))
