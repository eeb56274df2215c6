"""The tables of keys of a worker that keeps its state on disk."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from stream_engine.local.state_place import STATE_DIRECTORY, place_of

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.operators.tables import Tables


def tables_on_disk(configuration: Configuration, index: int) -> Tables:
    """The tables of the worker ``index``; what there is of them on disk, the script's process removes.

    Raises StorageError when others have a say in where they are, OSError when they cannot be there.
    """
    from stream_engine.operators.rocksdb import RocksDbTables

    place = place_of(configuration.get(STATE_DIRECTORY))
    # What cleans temporary directories may have removed it, which is no reason for the job to end.
    with place.open(make=True) as job:
        # Of a worker that was killed, and whose place this one takes.
        for name in job.names():
            if re.fullmatch(f"{index}-[0-9]+", name):
                with suppress(OSError):
                    job.remove_tree(name)
    return RocksDbTables(os.path.join(place.path, f"{index}-{os.getpid()}"))
