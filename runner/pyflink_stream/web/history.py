"""The rates of jobs over the last minutes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pyflink_stream.progress.rates import LATELY, PRESENT, Rates

if TYPE_CHECKING:
    from pyflink_stream.progress.rates import Rate
    from stream_engine.status import JobStatus

# Milliseconds between two samples, and how many are kept: those of five minutes.
_INTERVAL = 2000
_SAMPLES = 150


class JobHistory:
    """A job's last status, its current rates, and the rates of each task at each sample."""

    def __init__(self, status: JobStatus) -> None:
        self.status = status
        self.rates = Rates(PRESENT)
        self.long_rates = Rates(LATELY)
        self.samples: dict[int, deque[Rate]] = {task.id: deque(maxlen=_SAMPLES) for task in status.tasks}
        # When the samples were taken, in ms since the epoch.
        self.times: deque[int] = deque(maxlen=_SAMPLES)
        self._sampled_at = status.time
        self.add(status)

    def add(self, status: JobStatus) -> None:
        self.status = status
        self.rates.add(status)
        self.long_rates.add(status)
        if status.time - self._sampled_at >= _INTERVAL and not status.ended:
            self._sampled_at = status.time
            self.times.append(status.time)
            for task, samples in self.samples.items():
                samples.append(self.rates.task(task))
