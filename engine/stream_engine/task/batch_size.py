"""How many records a subtask processes between two looks at what else there is to do."""

from __future__ import annotations

from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream_engine.operators.sampling import Sample

# A turn between two looks at sockets, timers and signals should take about this long, in seconds.
_SHORT, _LONG = 0.002, 0.008
# Of so many turns, one is counted.
_TURNS = 64


class AdaptiveBatch:
    """How many records to process in one turn: few when each takes long, so that the worker stays responsive.

    Of all turns so far, ``begun`` and ``done`` are the records that were to be processed, and those that have been.
    """

    def __init__(self) -> None:
        self.records = 16
        self.begun = self.done = 0

    def run(self, process_batch: Callable[[Any], None], records: Sequence[Any]) -> None:
        self.begun += len(records)
        start = perf_counter()
        process_batch(records)
        elapsed = perf_counter() - start
        self.done += len(records)
        if elapsed > _LONG:
            self.records = max(1, self.records // 4)
        elif elapsed < _SHORT and len(records) >= self.records:
            self.records = min(8192, self.records * 2)


class SampledBatch(AdaptiveBatch):
    """Also takes ``samples``: in all turns at first, and later in some."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        super().__init__()
        self._samples = samples
        # Those turns are chosen by chance, as records may come in a rhythm of their own.
        self._chance = Random().random

    def run(self, process_batch: Callable[[Any], None], records: Sequence[Any]) -> None:
        if self._chance() * _TURNS > 1 and not any(sample.needed for sample in self._samples):
            super().run(process_batch, records)
            for sample in self._samples:
                sample.estimate(len(records))
            return
        for sample in self._samples:
            sample.begin()
        try:
            super().run(process_batch, records)
        finally:
            for sample in self._samples:
                sample.end(len(records))
