"""What the coordinator and the workers tell each other of checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place
    from stream_engine.checkpoints.metadata import StateFile


class CheckpointOrder(NamedTuple):
    """What a barrier carries: checkpoint ``number``, kept at ``place``; one that ``stops`` ends the job."""

    number: int
    place: Place
    stops: bool


class Acknowledgement(NamedTuple):
    """A worker's part of checkpoint ``number`` is safely kept; ``file`` is None when its operators have no state."""

    number: int
    file: StateFile | None
    key_hash: int
