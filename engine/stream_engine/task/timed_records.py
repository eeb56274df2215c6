"""Records that come with their event time already."""

from __future__ import annotations

from typing import Any


class TimedRecords(list[tuple[Any, "int | None"]]):
    """Pairs of a record and its event time, in ms; None: it has none yet."""
