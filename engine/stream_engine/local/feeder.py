"""Reads, in the script's own process, what cannot be sent to a worker: generators, open files, live iterators."""

from __future__ import annotations

import pickle
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from stream_engine.local.connection import FED, FED_END
from stream_engine.operators.ownership import own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stream_engine.local.connection import Connection

_MOST_RECORDS = 1024


class Feeder:
    """Sends the elements of an iterable to a worker, a batch for each demand of it.

    A slow iterable's elements go one by one as the worker waits for them, those of a fast one in full batches.
    ``on_error`` is called, in the feeder's thread, with what the iterable raised.
    """

    def __init__(
        self, operator: int, iterable: Iterable[Any], worker: Connection, on_error: Callable[[BaseException], None]
    ) -> None:
        self._operator = operator
        self._iterable = iterable
        self._worker = worker
        self._on_error = on_error
        self._demand = 0
        self._changed = Condition()
        self._stopped = False
        self._thread = Thread(target=self._run, name=f"feeder {operator}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def on_demand(self) -> None:
        with self._changed:
            self._demand += 1
            self._changed.notify()

    def stop(self) -> None:
        """No more is sent. The thread ends with the iterable's next element, or with the process."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        batch: list[Any] = []
        try:
            for element in self._iterable:
                # It waits here for others, while its maker may be filling the same list anew.
                batch.append(own(element))
                if (self._demand or len(batch) >= _MOST_RECORDS) and not self._send(batch):
                    return
            if batch and not self._send(batch):
                return
        except BaseException as error:
            self._on_error(error)
            return
        self._worker.send(FED_END, self._operator)

    def _send(self, batch: list[Any]) -> bool:
        payload = _dumps(batch)
        batch.clear()
        with self._changed:
            self._changed.wait_for(lambda: self._demand or self._stopped)
            self._demand -= 1
        if self._stopped:
            return False
        self._worker.send(FED, self._operator, payload)
        return True


def _dumps(batch: list[Any]) -> bytes:
    try:
        return pickle.dumps(batch, 5)
    except Exception:
        from cloudpickle import dumps

        return dumps(batch, 5)
