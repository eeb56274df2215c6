"""What processes of a job say to each other: the kinds of frames, and what each kind carries.

A frame is a kind, the id of what it belongs to, and a payload. These are all of them.

From a subtask to a subtask of another worker:

| kind | belongs to | payload |
|---|---|---|
| DATA | exchange | records, see ``records`` |
| MARK, WATERMARK | exchange | a time in ms, see ``packed_time`` |
| BARRIER | exchange | CheckpointOrder |
| CREDIT, IDLE, END | exchange | none |

From the coordinator to a worker:

| kind | belongs to | payload |
|---|---|---|
| DEPLOY | | Deployment |
| CANCEL | | a deadline, or none; see ``deadline`` |
| COMMIT | | none |
| TRIGGER | | CheckpointOrder |
| CHECKPOINT_ENDED | | CheckpointEnd |
| CLIENT_BATCH | operator | a pickled list of records |
| CLIENT_END | operator | none |
| LOOP_PROBE, LOOP_END | loop | none |

From a worker to the coordinator:

| kind | belongs to | payload |
|---|---|---|
| CONSOLE, ERRORS | | whole lines in utf-8, for standard output or standard error |
| LOG | | see ``log_forwarder`` |
| STATUS | | SubtaskStatus by task |
| LATE | operator | how many late records it has dropped, as decimal digits |
| FAILED | | Failure |
| FINISHED | | accumulators, see ``accumulators`` |
| COMMITTED, HEARTBEAT | | none |
| DEMAND | operator | none |
| LOOP_REPORT, LOOP_PROBE | loop | Counts, or None from a worker that is busy |
| ACKNOWLEDGED | | Acknowledgement |
| DECLINED | | Refusal |
"""

from __future__ import annotations

import pickle
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from stream_engine.checkpoints.directory import Place
    from stream_engine.checkpoints.metadata import StateFile

    T = TypeVar("T")


class Kind(IntEnum):
    """The kinds of frames, by who sends them to whom."""

    # From a subtask to a subtask of another worker.
    DATA = 0
    CREDIT = 1
    MARK = 2
    WATERMARK = 3
    IDLE = 4
    BARRIER = 5
    END = 6
    # From the coordinator to a worker.
    DEPLOY = 10
    CANCEL = 11
    COMMIT = 12
    TRIGGER = 13
    CHECKPOINT_ENDED = 14
    CLIENT_BATCH = 15
    CLIENT_END = 16
    LOOP_END = 17
    # In both directions: a question, and its answer.
    LOOP_PROBE = 20
    # From a worker to the coordinator.
    CONSOLE = 30
    ERRORS = 31
    LOG = 32
    STATUS = 33
    FAILED = 34
    FINISHED = 35
    COMMITTED = 36
    DEMAND = 37
    LOOP_REPORT = 38
    ACKNOWLEDGED = 39
    DECLINED = 40
    HEARTBEAT = 41
    LATE = 42


class Frame(NamedTuple):
    """``exchange`` is the id of the exchange, operator or loop that it belongs to; 0 if there is none."""

    kind: int
    exchange: int
    payload: bytes


class CheckpointOrder(NamedTuple):
    """What a barrier carries: checkpoint ``number``, kept at ``place``; one that ``stops`` ends the job.

    ``shared`` is for files that later checkpoints need as well; None: the checkpoint has all files to itself.
    """

    number: int
    place: Place
    stops: bool
    shared: Place | None = None


class CheckpointEnd(NamedTuple):
    """Checkpoint ``number`` is over: complete if it ``counts``, otherwise given up."""

    number: int
    counts: bool


class Acknowledgement(NamedTuple):
    """A worker's part of checkpoint ``number`` is safe on disk; ``file`` is None if its operators have no state."""

    number: int
    file: StateFile | None
    key_hash: int


class Refusal(NamedTuple):
    """A worker cannot keep its part of checkpoint ``number``."""

    number: int
    reason: str


class Counts(NamedTuple):
    """How many frames of a loop a worker has sent and received."""

    sent: int
    received: int


def packed(payload: object) -> bytes:
    """The payload of a frame whose kind carries an object."""
    return pickle.dumps(payload)


def unpacked(frame: Frame, kind: type[T]) -> T:
    """The object that a frame carries."""
    return pickle.loads(frame.payload)


def packed_time(time: int) -> bytes:
    """A time in ms as the payload of a MARK or WATERMARK."""
    return time.to_bytes(8, "little", signed=True)


def unpacked_time(frame: Frame) -> int:
    """The time in ms that a MARK or WATERMARK carries."""
    return int.from_bytes(frame.payload, "little", signed=True)
