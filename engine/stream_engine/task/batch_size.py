"""How many records a subtask processes between two looks at what else there is to do."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# A turn between two looks at sockets, timers and signals should take about this long, in seconds.
_SHORT, _LONG = 0.002, 0.008


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
