"""Reads what the script's own process reads for a worker: what cannot be sent there."""

from __future__ import annotations

import pickle
from collections import deque
from typing import TYPE_CHECKING, Any

from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.wire.connection import Connection

# Batches asked for in advance: one being processed, one on its way.
_DEMANDS = 2


class ClientReader:
    """The records of one operator, a batch per demand."""

    def __init__(self, control: Connection, operator: int) -> None:
        self._control = control
        self._operator = operator
        self._batches: deque[bytes] = deque()
        self._records: list[Any] = []
        self._ended = False
        for _ in range(_DEMANDS):
            control.send(Kind.DEMAND, operator)

    def feed(self, batch: bytes) -> None:
        self._batches.append(batch)

    def end(self) -> None:
        self._ended = True

    def read(self, limit: int) -> Sequence[Any] | None:
        if not self._records:
            if not self._batches:
                return None if self._ended else ()
            self._records = pickle.loads(self._batches.popleft())
            self._control.send(Kind.DEMAND, self._operator)
        records, self._records = self._records[:limit], self._records[limit:]
        return records

    def progress(self) -> None:
        """None: only the script's process may know how many records there are."""

    def close(self) -> None:
        self._batches.clear()
