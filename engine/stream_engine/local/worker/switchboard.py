"""The sockets of a worker: it reads what comes in, writes what waits to go out, and sleeps in between."""

from __future__ import annotations

import selectors
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from stream_engine.local.waker import Waker
from stream_engine.local.worker.null_meter import NullMeter
from stream_engine.wire.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from stream_engine.wire.messages import Frame


class Switchboard:
    """The connections to the coordinator (``control``) and, by their index, to the other workers (``peers``).

    ``wake`` is for any thread, all else for the one that has the worker's turn.
    """

    def __init__(self, control: socket, peers: dict[int, socket]) -> None:
        self.control = Connection(control, self._on_backlog)
        self.peers = {peer: Connection(socket, self._on_backlog) for peer, socket in peers.items()}
        # How many frames have come in; callers compare it to see whether any have since.
        self.frames = 0
        self.meter = NullMeter()
        self.on_control: Callable[[Frame], None] = lambda frame: None
        # What has come from the coordinator and has not been handled.
        self._orders: deque[Frame] = deque()
        self._reading = Lock()
        self._on_frame: Callable[[int, Frame], None] = lambda sender, frame: None
        self._waker = Waker()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._waker, selectors.EVENT_READ, None)
        self._selector.register(self.control.socket, selectors.EVENT_READ, self.control)

    def first_frames(self) -> list[Frame]:
        """The first frames of the coordinator; none when it has gone."""
        frames: list[Frame] = []
        while not (frames or self.control.closed):
            self._selector.select()
            frames = self.control.read()
        return frames

    def listen(self, on_control: Callable[[Frame], None], on_frame: Callable[[int, Frame], None]) -> None:
        """From now on what comes in is for ``on_control(frame)`` and, from a peer, ``on_frame(sender, frame)``."""
        self.on_control = on_control
        self._on_frame = on_frame
        for peer in self.peers.values():
            self._selector.register(peer.socket, selectors.EVENT_READ, peer)

    def select(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        """Sleeps until something can be done with a socket, or ``wake`` is called, but no longer than ``timeout`` s."""
        return self.meter.select(self._selector, timeout)

    def poll(self, timeout: float | None) -> None:
        """Sleeps as ``select`` does, then reads and writes."""
        for key, mask in self.select(timeout):
            connection: Connection | None = key.data
            if connection is None:
                self._waker.clear()
                continue
            if mask & selectors.EVENT_WRITE and connection.write():
                self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
            if mask & selectors.EVENT_READ:
                self._receive(connection)
        for connection in (self.control, *self.peers.values()):
            if connection.backlog and not connection.closed:
                both = selectors.EVENT_READ | selectors.EVENT_WRITE
                self._selector.modify(connection.socket, both, connection)
        while self._orders:
            self.frames += 1
            self.on_control(self._orders.popleft())

    def look(self) -> list[Frame]:
        """The frames that the coordinator has just sent, read without the lock: the next ``poll`` handles them."""
        with self._reading:
            frames = self.control.read()
            self._orders.extend(frames)
        return frames

    def wake(self) -> None:
        """Ends the sleep."""
        self._waker.wake()

    def _receive(self, connection: Connection) -> None:
        frames = self.look() if connection is self.control else connection.read()
        if connection.closed:
            self._selector.unregister(connection.socket)
        if connection is self.control:
            return
        self.frames += len(frames)
        sender = next(peer for peer, other in self.peers.items() if other is connection)
        for frame in frames:
            self._on_frame(sender, frame)

    def _on_backlog(self, connection: Connection) -> None:
        # The loop may be asleep in another thread, and only asks for writability when it goes round.
        self.wake()
