from __future__ import annotations

from stream_engine.api.functions import (
    FilterFunction,
    FlatMapFunction,
    Function,
    MapFunction,
    ReduceFunction,
    RichFilterFunction,
    RichFlatMapFunction,
    RichFunction,
    RichMapFunction,
    RichReduceFunction,
)
from stream_engine.api.functions import RichFunction as AbstractRichFunction

__all__ = [
    "AbstractRichFunction",
    "FilterFunction",
    "FlatMapFunction",
    "Function",
    "MapFunction",
    "ReduceFunction",
    "RichFilterFunction",
    "RichFlatMapFunction",
    "RichFunction",
    "RichMapFunction",
    "RichReduceFunction",
]
