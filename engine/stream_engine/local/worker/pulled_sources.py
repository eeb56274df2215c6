"""The sources of a worker that are asked for records."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from stream_engine.local.worker.client_reader import ClientReader

if TYPE_CHECKING:
    from stream_engine.local.worker.null_meter import NullMeter
    from stream_engine.task.sources import Reader
    from stream_engine.task.subtask import Subtask


class PulledSources:
    """Those that have not come to their end; ``readers`` are theirs, by task."""

    def __init__(self) -> None:
        self.readers: dict[int, Reader] = {}
        # Those that may have records now. One that has none is asked again when it has been fed.
        self._active: dict[int, Subtask] = {}
        self._waiting: dict[int, Subtask] = {}
        # Tasks whose sources say that they may have records again; filled by any thread.
        self._awoken: deque[int] = deque()

    def add(self, subtask: Subtask, reader: Reader) -> None:
        self.readers[subtask.task.id] = reader
        self._active[subtask.task.id] = subtask

    def read(self, meter: NullMeter) -> bool:
        """Takes a batch of each source that has one through its chain; whether there was anything to do."""
        while self._awoken:
            task = self._awoken.popleft()
            if task in self._waiting:
                self._active[task] = self._waiting.pop(task)
        worked = False
        for task, subtask in list(self._active.items()):
            if subtask.paused:
                continue
            reader = self.readers[task]
            records = reader.read(subtask.batch.records)
            if records is None:
                del self.readers[task], self._active[task]
                # Not closed before: where it has come to is remembered.
                subtask.finish()
                reader.close()
                worked = True
            elif records:
                meter.run(subtask)
                subtask.process_source(records)
                worked = True
            elif self._active.pop(task, None) is not None:
                self._waiting[task] = subtask
        return worked

    def awake(self, task: int) -> None:
        """The source of ``task`` may have records again; from any thread."""
        self._awoken.append(task)

    def feed(self, operator: int, batch: bytes) -> None:
        """The script's process has sent records for the source ``operator``."""
        self._wake(operator).feed(batch)

    def end(self, operator: int) -> None:
        """The script's process has no more for the source ``operator``."""
        self._wake(operator).end()

    def _wake(self, operator: int) -> ClientReader:
        sources = {**self._active, **self._waiting}
        task = next(task for task, subtask in sources.items() if subtask.task.head.id == operator)
        self._active[task] = sources[task]
        self._waiting.pop(task, None)
        reader = self.readers[task]
        assert isinstance(reader, ClientReader)
        return reader
