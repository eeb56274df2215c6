from __future__ import annotations

from stream_engine.api.checkpointing import CheckpointingMode
from stream_engine.api.time import TimeCharacteristic

__all__ = ["CheckpointingMode", "TimeCharacteristic"]
