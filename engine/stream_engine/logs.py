"""What the engine logs of itself. Nothing here imports ``logging`` before somebody else has: most jobs log nothing."""

from __future__ import annotations

import sys
from typing import Any

_LOGGER = "stream_engine"


def info(text: str, *arguments: Any) -> None:
    """Logs what happens once in a job, or for each of its tasks."""
    if "logging" in sys.modules:
        sys.modules["logging"].getLogger(_LOGGER).info(text, *arguments)


def debug(text: str, *arguments: Any) -> None:
    """Logs what happens for each worker or subtask."""
    if "logging" in sys.modules:
        sys.modules["logging"].getLogger(_LOGGER).debug(text, *arguments)
