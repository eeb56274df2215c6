from __future__ import annotations

from stream_engine.api.time import Time

__all__ = ["Time"]
