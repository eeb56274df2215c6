from __future__ import annotations

from stream_engine.api.time import TimeUnit

__all__ = ["TimeUnit"]
