from __future__ import annotations

from stream_engine.window import GlobalWindow, TimeWindow

__all__ = ["GlobalWindow", "TimeWindow"]
