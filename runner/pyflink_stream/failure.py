"""The report of an exception that left the script: what happened and what to do, then the user's frames."""

from __future__ import annotations

import traceback

from pyflink_stream import python2
from stream_engine.job import JobExecutionException
from stream_engine.report import frames, told


def report(error: BaseException) -> str:
    """What the script's author needs to see, the first line first of all; without a line break at the end."""
    if isinstance(error, JobExecutionException):
        # The engine has said it all in its message; what is missing is where the script started the job.
        lines = frames(error.__traceback__)
        return "\n".join([str(error), "", "The script started this job here:", *lines] if lines else [str(error)])
    lines = told(error)
    explained = python2.explain(error) if isinstance(error, SyntaxError) else []
    # In place of what Python says of it.
    return "\n".join([*explained, *lines[1:]] if explained else lines)


def full_report(error: BaseException) -> str:
    """The same, then all frames of the exception, of what led to it, and of the worker where it was raised."""
    parts = [report(error)]
    cause = error.__cause__
    remote = getattr(cause.__cause__, "full", None) if isinstance(error, JobExecutionException) and cause else None
    if remote is None:
        parts.append("All of it:\n" + "".join(traceback.format_exception(error)))
    else:
        parts.append(f"All of it, in the worker:\n{remote}")
        here = traceback.format_exception(type(error), error, error.__traceback__, chain=False)
        parts.append("And where it was waited for:\n" + "".join(here))
    return "\n\n".join(part.rstrip("\n") for part in parts)
