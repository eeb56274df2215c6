from __future__ import annotations

from stream_engine.api.functions import OutputSelector

__all__ = ["OutputSelector"]
