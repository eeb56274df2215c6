"""The place of a job's state on disk, as the script's process tells its workers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stream_engine.configuration.options import TMP_DIRS

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place

STATE_DIRECTORY = "state.backend.rocksdb.localdir"
"""The key under which the configuration of a job's workers has the directory. It is set for them, never by users."""


def place_of(directory: str) -> Place:
    """The directory with what is needed to open it safely."""
    from stream_engine.checkpoints.directory import Place

    parent, name = os.path.split(directory)
    return Place(parent, (name,), TMP_DIRS.key)
