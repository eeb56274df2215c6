from __future__ import annotations

from stream_engine.api.restart import RestartStrategies

__all__ = ["RestartStrategies"]
