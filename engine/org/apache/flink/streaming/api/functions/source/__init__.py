from __future__ import annotations

from stream_engine.api.functions import (
    ParallelSourceFunction,
    RichParallelSourceFunction,
    RichSourceFunction,
    SourceFunction,
)

__all__ = ["ParallelSourceFunction", "RichParallelSourceFunction", "RichSourceFunction", "SourceFunction"]
