"""The exception that ends an attempt at a job."""

from __future__ import annotations

from stream_engine.job import JobExecutionException


class AttemptFailed(Exception):
    """The job cannot continue with these workers. Other workers would only repeat a ``final`` failure."""

    def __init__(self, error: JobExecutionException, final: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.final = final

    @classmethod
    def of(cls, summary: str, job_id: str, cause: BaseException | None = None, final: bool = False) -> AttemptFailed:
        error = JobExecutionException(summary, job_id)
        error.__cause__ = cause
        return cls(error, final)
