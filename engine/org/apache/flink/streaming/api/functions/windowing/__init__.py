from __future__ import annotations

from stream_engine.api.functions import RichWindowFunction, WindowFunction

__all__ = ["RichWindowFunction", "WindowFunction"]
