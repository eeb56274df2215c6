"""Frames over a non-blocking socket: between two workers, or a worker and the coordinator."""

from __future__ import annotations

import struct
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from stream_engine.wire.messages import Frame
from stream_engine.wire.readiness import wait_writable

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

# Payload length in bytes, kind, exchange.
_HEADER = struct.Struct("<QBI")
# Enough for several frames a read, and a small part of an idle worker's memory.
_READ_SIZE = 256 * 1024


class Connection:
    """Frames in and out of one socket. ``send``, ``write`` and ``drain`` are for any thread; all else belongs to one.

    ``on_backlog`` is called when a send could not be completed at once: ``write`` must then be called when it can.
    """

    def __init__(self, socket: socket, on_backlog: Callable[[Connection], None]) -> None:
        socket.setblocking(False)
        self.socket = socket
        self.closed = False
        # Whether the last read found nothing.
        self.drained = False
        self._on_backlog = on_backlog
        self._lock = Lock()
        self._outgoing: deque[memoryview] = deque()
        self._received = bytearray()
        self.backlog = 0

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, kind: int, exchange: int = 0, payload: bytes = b"") -> None:
        """Queues a frame and sends what the socket takes now. A closed peer swallows it; ``read`` tells its end."""
        with self._lock:
            if self.closed:
                return
            frame = _HEADER.pack(len(payload), kind, exchange)
            # Joining costs less than a second system call, but not for what is large.
            chunks = (frame + payload,) if len(payload) < 4096 else (frame, payload)
            self._outgoing.extend(map(memoryview, chunks))
            self.backlog += len(frame) + len(payload)
            self._write()
            waiting = bool(self._outgoing)
        if waiting:
            self._on_backlog(self)

    def write(self) -> bool:
        """Sends what the socket takes now; True when nothing is left to send."""
        with self._lock:
            self._write()
            return not self._outgoing

    def drain(self, most: int = 0) -> None:
        """Waits until no more than ``most`` bytes are left to send, or the peer has gone; in any thread."""
        while self.backlog > most and not self.closed:
            wait_writable(self)
            self.write()

    def _write(self) -> None:
        outgoing = self._outgoing
        try:
            while outgoing:
                chunk = outgoing[0]
                sent = self.socket.send(chunk)
                self.backlog -= sent
                if sent < len(chunk):
                    outgoing[0] = chunk[sent:]
                else:
                    outgoing.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._drop()

    def _drop(self) -> None:
        self._outgoing.clear()
        self.backlog = 0

    def read(self) -> list[Frame]:
        """The frames that have arrived, perhaps none. Sets ``closed`` once the peer has closed the connection."""
        self.drained = False
        try:
            data = self.socket.recv(_READ_SIZE)
        except BlockingIOError:
            self.drained = True
            return []
        except OSError:
            data = b""
        if not data:
            self.closed = True
            self._drop()
            return []
        received = self._received
        received += data
        frames: list[Frame] = []
        position, end = 0, len(received)
        with memoryview(received) as view:
            while end - position >= _HEADER.size:
                length, kind, exchange = _HEADER.unpack_from(view, position)
                start = position + _HEADER.size
                if end - start < length:
                    break
                position = start + length
                frames.append(Frame(kind, exchange, bytes(view[start:position])))
        if position:
            del received[:position]
        return frames

    def close(self) -> None:
        self.closed = True
        self.socket.close()
