"""Where the workers of a job keep the state of keys: in memory, or in directories that do not outlast the job."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.configuration import Configuration
    from stream_engine.local.forkserver import ForkServer
    from stream_engine.operators.tables import Tables

# The job's directory, told to its workers.
_DIRECTORY = "state.backend.rocksdb.localdir"


@contextmanager
def tables_directory(configuration: Configuration, server: ForkServer) -> Iterator[Configuration]:
    """The configuration for workers, which may keep tables on disk while the context lasts; in the script's process.

    Raises InvalidProgramException when the configuration asks for that and it cannot be had.
    """
    if configuration.get("state.backend") == "hashmap":
        yield configuration
        return
    from importlib.util import find_spec
    from shutil import rmtree
    from tempfile import mkdtemp

    if find_spec("rocksdict") is None:
        raise InvalidProgramException(
            "state.backend: rocksdb is in a package that is not installed: pip install 'pyflink-stream[rocksdb]'"
        )
    parents = configuration.get("io.tmp.dirs")
    try:
        directory = mkdtemp(prefix="pyflink-stream-state-", dir=parents[0] if parents else None)
    except OSError as error:
        raise InvalidProgramException(
            f"state.backend: rocksdb needs a directory in {error.filename}: {error.strerror}."
        ) from error
    server.remove_at_end(directory)
    try:
        yield configuration.copy().set(_DIRECTORY, directory)
    finally:
        rmtree(directory, ignore_errors=True)


def tables_on_disk(configuration: Configuration, index: int) -> Tables:
    """The tables of the worker ``index``; what there is of them on disk, the script's process removes."""
    from shutil import rmtree

    from stream_engine.operators.rocksdb import RocksDbTables

    job = configuration.get(_DIRECTORY)
    # Of a worker that was killed, and whose place this one takes.
    for name in os.listdir(job):
        if name.startswith(f"{index}-"):
            rmtree(os.path.join(job, name), ignore_errors=True)
    return RocksDbTables(os.path.join(job, f"{index}-{os.getpid()}"))
