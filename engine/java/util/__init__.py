from __future__ import annotations

from stream_engine.api.jdk import NoSuchElementException, Properties

__all__ = ["NoSuchElementException", "Properties"]
