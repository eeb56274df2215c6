"""Reads in the script's own process what cannot be sent to a worker: generators, open files, iterators."""

from __future__ import annotations

from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from stream_engine.graph.specs import ClientSource
from stream_engine.job import JobExecutionException
from stream_engine.local.coordinator.failure import AttemptFailed
from stream_engine.operators.ownership import own
from stream_engine.pickling import dumps
from stream_engine.report import failure_of
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.wire.connection import Connection

_MOST_RECORDS = 1024


class ClientSender:
    """Sends the elements of an iterable to a worker, a batch for each demand of it, and to another after a restart.

    Elements of a slow iterable go one by one, as the worker waits for them; those of a fast one in full batches.
    ``on_error`` is called, in the sender's thread, with what the iterable raised.
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
        self._thread = Thread(target=self._run, name=f"client source {operator}", daemon=True)

    def attach(self, worker: Connection | None) -> None:
        """Sends the remaining elements to this worker; None: to the next one that is attached."""
        with self._changed:
            self._worker = worker
            self._demand = 0
            self._end_if_empty()
        if worker is not None and self._thread.ident is None:
            self._thread.start()

    def on_demand(self) -> None:
        """The worker can take another batch: sends what there is at once, as the next element may take long."""
        with self._changed:
            self._demand += 1
            try:
                self._send()
            except BaseException as error:
                # SystemExit, too: pickling an element may raise it, and it would end the script.
                self._on_error(error)

    def stop(self) -> None:
        """Sends no more. The thread ends with the iterable's next element, or with the process."""
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
            self._worker.send(Kind.CLIENT_BATCH, self._operator, payload)
            self._changed.notify()
            self._end_if_empty()

    def _end_if_empty(self) -> None:
        if self._ended and not self._batch and self._worker is not None and not self._stopped:
            self._worker.send(Kind.CLIENT_END, self._operator)


class ClientSources:
    """All client sources of a job. ``failure`` is what one of them has raised; ``wake`` is called then."""

    def __init__(self, graph: JobGraph, job_id: str, wake: Callable[[], None]) -> None:
        self.failure: AttemptFailed | None = None
        self._job_id = job_id
        self._wake = wake
        self._senders = {
            task.head.id: ClientSender(task.head.id, task.head.operator.iterable, self._on_error)
            for task in graph.tasks
            if isinstance(task.head.operator, ClientSource)
        }

    def attach(self, worker: Connection | None) -> None:
        """Sends what is read here to a worker; None: there is none now."""
        for sender in self._senders.values():
            sender.attach(worker)

    def on_demand(self, operator: int) -> None:
        self._senders[operator].on_demand()

    def stop(self) -> None:
        for sender in self._senders.values():
            sender.stop()

    def _on_error(self, error: BaseException) -> None:
        failure = failure_of(error)
        place = "  in a collection that the script gave to the job"
        more = failure.raised._replace(more=(*failure.raised.more, place))
        failed = JobExecutionException.of(failure._replace(raised=more), self._job_id)
        failed.__cause__ = error
        # An iterator that has raised is at its end: a restart would lose its remaining elements.
        self.failure = AttemptFailed(failed, final=True)
        self._wake()
