"""What travels between our subtasks on Flink: an element is many frames, so that Flink's cost for it is paid once."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGEST = 1024 * 1024
"""Of an element, in bytes, as Java holds many at a time, and the sink for the client takes none above 2 MB."""

EARLY = -1
"""In place of an exchange: what the client is told at once, where checkpoints hold up the reports."""

# Kind, exchange, sender, length of the payload in bytes.
_HEAD = struct.Struct("<BIIQ")
# Added to the kind of a frame whose payload continues in the sender's next one.
_CONTINUES = 0x80


class Drive(IntEnum):
    """Kinds of frames beside those of ``wire.messages``. Most make a subtask work, and their payload does not count."""

    # The first of all: state and timers of Flink's are there from now on.
    START = 60
    # A source is to read for a while.
    TICK = 61
    # A source is to read until its end.
    LAST = 62
    # In the last report of a subtask that has failed, before lines that may have been reported already: how many bytes
    # of lines were before those, as decimal digits.
    AGAIN = 63


class Envelope(NamedTuple):
    """A frame with its sender: the index of a subtask.

    In a report to the client, ``exchange`` is the id of the task, or of the operator where LATE has it.
    """

    kind: int
    exchange: int
    sender: int
    payload: bytes


class Emission(NamedTuple):
    """An element for subtask ``target`` behind ``exchange``, which is None for a report to the client, or EARLY."""

    exchange: int | None
    target: int
    element: bytes


def pack_element(envelopes: Iterable[Envelope]) -> bytes:
    return b"".join(
        part
        for kind, exchange, sender, payload in envelopes
        for part in (_HEAD.pack(kind, exchange, sender, len(payload)), payload)
    )


def pack_elements(envelopes: Iterable[Envelope]) -> Iterator[bytes]:
    """As few elements as can be for these frames, in order, none of them above LARGEST; none for no frames.

    A payload too large for one element is cut: the elements have to go to the same ElementReader.
    """
    parts: list[bytes] = []
    size = 0
    for envelope in envelopes:
        for kind, exchange, sender, payload in _pieces(envelope):
            length = _HEAD.size + len(payload)
            if size + length > LARGEST and parts:
                yield b"".join(parts)
                parts.clear()
                size = 0
            parts += (_HEAD.pack(kind, exchange, sender, len(payload)), payload)
            size += length
    if parts:
        yield b"".join(parts)


def _pieces(envelope: Envelope) -> Iterator[Envelope]:
    kind, exchange, sender, payload = envelope
    most = LARGEST - _HEAD.size
    start = 0
    while len(payload) - start > most:
        yield Envelope(kind | _CONTINUES, exchange, sender, payload[start : start + most])
        start += most
    yield Envelope(kind, exchange, sender, payload[start:] if start else payload)


class ElementReader:
    """Takes elements apart. ``begun`` has the payloads whose ends are still to come, by their frames' first fields."""

    def __init__(self) -> None:
        self.begun: dict[tuple[int, int, int], list[bytes]] = {}

    def read(self, element: bytes) -> Iterator[Envelope]:
        """The frames that are complete now."""
        position, end = 0, len(element)
        while position < end:
            kind, exchange, sender, length = _HEAD.unpack_from(element, position)
            position += _HEAD.size
            payload = element[position : position + length]
            position += length
            if kind & _CONTINUES:
                self.begun.setdefault((kind - _CONTINUES, exchange, sender), []).append(payload)
                continue
            if self.begun:
                payload = b"".join((*self.begun.pop((kind, exchange, sender), ()), payload))
            yield Envelope(kind, exchange, sender, payload)
