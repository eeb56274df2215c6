from __future__ import annotations

from stream_engine.api.watermarks import Watermark

__all__ = ["Watermark"]
