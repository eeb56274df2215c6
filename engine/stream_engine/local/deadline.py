"""Until when a worker that is being stopped may run. All processes share the monotonic clock."""

from __future__ import annotations

from struct import Struct
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.configuration.options import CANCELLATION_TIMEOUT

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration

# In seconds; the system waits no longer for a socket.
_LONGEST = 1_000_000
_PACKED = Struct("<d")

# How long the exit handlers of a worker's functions may take, in seconds.
EXIT_GRACE = 1.5


def cancellation_timeout(configuration: Configuration) -> float | None:
    """How many seconds a worker may take to stop; None: as many as it needs."""
    milliseconds = configuration.get(CANCELLATION_TIMEOUT)
    return min(milliseconds / 1000, _LONGEST) if milliseconds else None


def deadline_in(seconds: float | None) -> float | None:
    return None if seconds is None else monotonic() + seconds


def seconds_to(deadline: float | None) -> float | None:
    """How many seconds there are until the deadline, at least 0; None if there is none."""
    return None if deadline is None else max(0.0, deadline - monotonic())


def packed_deadline(deadline: float | None) -> bytes:
    return b"" if deadline is None else _PACKED.pack(deadline)


def unpacked_deadline(payload: bytes) -> float | None:
    return _PACKED.unpack(payload)[0] if payload else None
