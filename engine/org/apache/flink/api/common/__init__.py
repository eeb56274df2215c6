from __future__ import annotations

from stream_engine.job import InvalidProgramException, JobExecutionResult

__all__ = ["InvalidProgramException", "JobExecutionResult"]
