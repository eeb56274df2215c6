from __future__ import annotations

from stream_engine.api.functions import KeySelector

__all__ = ["KeySelector"]
