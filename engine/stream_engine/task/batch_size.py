"""How many records a subtask processes at a time, before its host looks for other work."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# A batch should take about this long, in seconds: after it the worker looks at sockets, timers and signals.
_SHORT, _LONG = 0.002, 0.008


class AdaptiveBatch:
    """Sets how many ``records`` a batch has: few if each takes long, so that the worker stays responsive.

    ``begun`` counts the records of all batches so far, ``done`` those of the batches that have been processed, which
    took ``seconds``.
    """

    def __init__(self) -> None:
        self.records = 16
        self.begun = self.done = 0
        self.seconds = 0.0

    def run(self, process_batch: Callable[[Any], None], records: Sequence[Any]) -> None:
        self.begun += len(records)
        start = perf_counter()
        process_batch(records)
        elapsed = perf_counter() - start
        self.done += len(records)
        self.seconds += elapsed
        if elapsed > _LONG:
            self.records = max(1, self.records // 4)
        elif elapsed < _SHORT and len(records) >= self.records:
            self.records = min(8192, self.records * 2)
