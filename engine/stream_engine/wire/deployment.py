"""The first message to each worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from stream_engine.checkpoints.metadata import Metadata


class Deployment(NamedTuple):
    """What a worker needs to know of a job; ``prepare``, ``configuration`` and ``graph`` are pickles.

    ``splits`` has the parts of files by source and subtask, ``levels`` the levels of loggers. ``watched`` tells whether
    somebody watches the job, ``attempt`` how often it was restarted. ``origin`` is the directory and the metadata of
    the checkpoint to resume from. A job that is ``checkpointed`` takes checkpoints or savepoints. ``job_id`` is ours.
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
    job_id: str = ""
