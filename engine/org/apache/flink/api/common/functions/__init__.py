from __future__ import annotations

from stream_engine.api.functions import (
    AggregateFunction,
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
    "AggregateFunction",
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
