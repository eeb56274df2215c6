"""Slows the clocks of a Python that valgrind makes slow, so that what goes by time comes as often as without it.

Batches of records, buffers that are flushed in time, heartbeats. Else they would be counted for far more than they are.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# About what callgrind takes.
_SLOWER = 50


def _slowed(clock: Callable[[], float]) -> Callable[[], float]:
    # Without a beginning of its own: processes tell each other times.
    return lambda: clock() / _SLOWER


for _name in ("time", "monotonic", "perf_counter"):
    setattr(time, _name, _slowed(getattr(time, _name)))
