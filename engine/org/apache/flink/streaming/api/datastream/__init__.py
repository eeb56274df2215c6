from __future__ import annotations

from stream_engine.api.iterative import IterativeStream
from stream_engine.api.keyed import KeyedStream
from stream_engine.api.settings import DataStreamSink
from stream_engine.api.split import SplitStream
from stream_engine.api.streams import DataStream
from stream_engine.api.streams import DataStream as SingleOutputStreamOperator
from stream_engine.api.windowed import WindowedStream

__all__ = [
    "DataStream",
    "DataStreamSink",
    "IterativeStream",
    "KeyedStream",
    "SingleOutputStreamOperator",
    "SplitStream",
    "WindowedStream",
]
