"""What travels between our subtasks on Flink: an element is many frames, so that Flink's cost for it is paid once."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Kind, exchange, sender, length of the payload in bytes.
_HEAD = struct.Struct("<BIIQ")


class Drive(IntEnum):
    """Kinds of frames that make a subtask work, beside those of ``wire.messages``; no payload counts."""

    # The first of all: state and timers of Flink's are there from now on.
    START = 60
    # A source is to read for a while.
    TICK = 61
    # A source is to read until its end.
    LAST = 62


class Envelope(NamedTuple):
    """A frame with its sender: the index of a subtask.

    In a report to the client, ``exchange`` is the id of the task, or of the operator where LATE has it.
    """

    kind: int
    exchange: int
    sender: int
    payload: bytes


class Emission(NamedTuple):
    """An element for subtask ``target`` behind ``exchange``; ``exchange`` is None for a report to the client."""

    exchange: int | None
    target: int
    element: bytes


def pack_element(envelopes: Iterable[Envelope]) -> bytes:
    return b"".join(
        part
        for kind, exchange, sender, payload in envelopes
        for part in (_HEAD.pack(kind, exchange, sender, len(payload)), payload)
    )


def unpack_element(element: bytes) -> Iterator[Envelope]:
    position, end = 0, len(element)
    while position < end:
        kind, exchange, sender, length = _HEAD.unpack_from(element, position)
        position += _HEAD.size
        yield Envelope(kind, exchange, sender, element[position : position + length])
        position += length
