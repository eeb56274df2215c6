from __future__ import annotations

from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.api.factory import PythonEnvironmentFactory

__all__ = ["PythonEnvironmentFactory", "PythonStreamExecutionEnvironment"]
