"""Why an attempt at a job has ended without the job's end."""

from __future__ import annotations

from stream_engine.job import JobExecutionException


class AttemptFailed(Exception):
    """The job cannot continue with these workers. A failure that is ``final`` would only be repeated by others."""

    def __init__(self, error: JobExecutionException, final: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.final = final

    @classmethod
    def of(cls, summary: str, job_id: str, cause: BaseException | None = None, final: bool = False) -> AttemptFailed:
        error = JobExecutionException(summary, job_id)
        error.__cause__ = cause
        return cls(error, final)
