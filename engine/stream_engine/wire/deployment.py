"""What workers are told when they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from stream_engine.checkpoints.metadata import Metadata


class Deployment(NamedTuple):
    """What a job is for its workers; ``prepare``, ``configuration`` and ``graph`` are pickles.

    ``splits`` are the parts of files, by source and subtask; ``levels`` those of logging; somebody may
    have the job ``watched``, which was restarted ``attempt`` times. ``origin`` is the directory
    and the metadata of the checkpoint to go on from; a job that is ``checkpointed`` takes checkpoints or savepoints.
    """

    prepare: bytes | None
    configuration: bytes
    graph: bytes
    splits: dict[int, Any]
    levels: Any = None
    watched: bool = False
    checkpointed: bool = False
    origin: tuple[str, Metadata] | None = None
    attempt: int = 0
