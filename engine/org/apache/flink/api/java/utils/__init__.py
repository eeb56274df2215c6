from __future__ import annotations

from stream_engine.api.parameters import ParameterTool

__all__ = ["ParameterTool"]
