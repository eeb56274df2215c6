"""The tables of a worker that keeps keyed state on disk."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from stream_engine.configuration.options import (
    CHECKPOINT_INTERVAL,
    INCREMENTAL_CHECKPOINTS,
    ROCKSDB_MEMORY,
    STATE_BACKEND,
)
from stream_engine.local.state_place import STATE_DIRECTORY, place_of
from stream_engine.operators.tables import MemoryTables

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.operators.tables import Tables


def tables_of(configuration: Configuration, index: int) -> Tables:
    """The tables of the worker ``index``, as its configuration wants them.

    Raises what ``tables_on_disk`` raises.
    """
    if configuration.get(STATE_BACKEND) != "hashmap":
        return tables_on_disk(configuration, index)
    if configuration.get(INCREMENTAL_CHECKPOINTS) and configuration.get(CHECKPOINT_INTERVAL):
        from stream_engine.operators.changes import ChangedTables

        return ChangedTables()
    return MemoryTables()


def tables_on_disk(configuration: Configuration, index: int) -> Tables:
    """The tables of the worker ``index``. The script's process removes their files.

    Raises StorageError when other users could change their directory, OSError when it cannot be used.
    """
    from stream_engine.operators.rocksdb.tables import RocksDbTables

    place = place_of(configuration.get(STATE_DIRECTORY))
    # It may have been cleaned away, as temporary directories are; that is no reason for the job to end.
    with place.open(make=True) as job:
        # A killed worker, whose place this one takes, may have left it.
        for name in job.names():
            if re.fullmatch(f"{index}-[0-9]+", name):
                with suppress(OSError):
                    job.remove_tree(name)
    return RocksDbTables(os.path.join(place.path, f"{index}-{os.getpid()}"), configuration.get(ROCKSDB_MEMORY))
