from __future__ import annotations

from stream_engine.api.iterative import IterativeStream as PythonIterativeStream
from stream_engine.api.keyed import KeyedStream as PythonKeyedStream
from stream_engine.api.split import SplitStream as PythonSplitStream
from stream_engine.api.streams import DataStream as PythonDataStream
from stream_engine.api.streams import DataStream as PythonSingleOutputStreamOperator
from stream_engine.api.windowed import WindowedStream as PythonWindowedStream

__all__ = [
    "PythonDataStream",
    "PythonIterativeStream",
    "PythonKeyedStream",
    "PythonSingleOutputStreamOperator",
    "PythonSplitStream",
    "PythonWindowedStream",
]
