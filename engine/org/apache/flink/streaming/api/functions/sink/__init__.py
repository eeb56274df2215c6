from __future__ import annotations

from stream_engine.api.functions import DiscardingSink, RichSinkFunction, SinkFunction

__all__ = ["DiscardingSink", "RichSinkFunction", "SinkFunction"]
