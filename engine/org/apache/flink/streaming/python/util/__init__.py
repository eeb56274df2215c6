from __future__ import annotations

from stream_engine.api.elements import PythonIterator

__all__ = ["PythonIterator"]
