from __future__ import annotations

from stream_engine.configuration import Configuration

__all__ = ["Configuration"]
