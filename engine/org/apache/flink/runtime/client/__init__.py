from __future__ import annotations

from stream_engine.job import JobCancelledException as JobCancellationException
from stream_engine.job import JobExecutionException

__all__ = ["JobCancellationException", "JobExecutionException"]
