from __future__ import annotations

from stream_engine.api.checkpointing import CheckpointConfig

__all__ = ["CheckpointConfig"]
