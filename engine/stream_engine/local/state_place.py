"""The place of a job's state on disk, which the script's process tells its workers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stream_engine.configuration.options import TMP_DIRS

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place

STATE_DIRECTORY = "state.backend.rocksdb.localdir"
"""The key of the directory in the configuration of a job's workers. Users never set it."""


def place_of(directory: str) -> Place:
    """The directory as a Place, which opens it safely."""
    from stream_engine.checkpoints.directory import Place

    parent, name = os.path.split(directory)
    return Place(parent, (name,), TMP_DIRS.key)
