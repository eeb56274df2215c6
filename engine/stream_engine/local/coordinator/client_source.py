"""Reads, in the script's own process, what cannot be sent to a worker: generators, open files, live iterators."""

from __future__ import annotations

from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from stream_engine.operators.ownership import own
from stream_engine.pickling import dumps
from stream_engine.wire.connection import CLIENT_BATCH, CLIENT_END

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stream_engine.wire.connection import Connection

_MOST_RECORDS = 1024


class ClientSender:
    """Sends the elements of an iterable to a worker, a batch for each demand of it, and to another after a restart.

    A slow iterable's elements go one by one as the worker waits for them, those of a fast one in full batches.
    ``on_error`` is called, in the feeder's thread, with what the iterable raised.
    """

    def __init__(self, operator: int, iterable: Iterable[Any], on_error: Callable[[BaseException], None]) -> None:
        self._operator = operator
        self._iterable = iterable
        self._worker: Connection | None = None
        self._ended = False
        self._on_error = on_error
        self._demand = 0
        self._batch: list[Any] = []
        self._changed = Condition()
        self._stopped = False
        self._thread = Thread(target=self._run, name=f"feeder {operator}", daemon=True)

    def attach(self, worker: Connection | None) -> None:
        """The elements that have not been sent yet are for this worker; None: for one that is yet to come."""
        with self._changed:
            self._worker = worker
            self._demand = 0
            self._end_if_empty()
        if worker is not None and self._thread.ident is None:
            self._thread.start()

    def on_demand(self) -> None:
        """The worker can take another batch: what there is goes at once, however long the next element may take."""
        with self._changed:
            self._demand += 1
            try:
                self._send()
            except BaseException as error:
                # SystemExit, too: it comes of pickling an element, and would end the script.
                self._on_error(error)

    def stop(self) -> None:
        """No more is sent. The thread ends with the iterable's next element, or with the process."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        try:
            for element in self._iterable:
                with self._changed:
                    # It may wait here for others, while its maker fills the same list anew.
                    self._batch.append(own(element))
                    self._send()
                    self._changed.wait_for(lambda: len(self._batch) < _MOST_RECORDS or self._stopped)
                    if self._stopped:
                        return
            with self._changed:
                self._ended = True
                self._end_if_empty()
        except BaseException as error:
            self._on_error(error)

    def _send(self) -> None:
        if self._batch and self._demand and self._worker is not None:
            payload = dumps(self._batch)
            self._batch.clear()
            self._demand -= 1
            self._worker.send(CLIENT_BATCH, self._operator, payload)
            self._changed.notify()
            self._end_if_empty()

    def _end_if_empty(self) -> None:
        if self._ended and not self._batch and self._worker is not None and not self._stopped:
            self._worker.send(CLIENT_END, self._operator)
