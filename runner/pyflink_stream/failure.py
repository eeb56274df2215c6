"""The report of an exception that the script did not catch: what happened, what to do, then the user's frames."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, cast

from pyflink_stream import python2
from stream_engine.failures.causes import traceback_of
from stream_engine.failures.failure import lines_of_frames
from stream_engine.job import JobExecutionException
from stream_engine.report import failure_of, frames

if TYPE_CHECKING:
    from stream_engine.failures.failure import Failure, Line


def report(error: BaseException, advice: str = "") -> list[Line]:
    """What the script's author needs to see, most important first; ``advice`` ends the first line."""
    if issubclass(type(error), JobExecutionException):
        # The frames of the worker do not show where the script started the job.
        lines = lines_of_frames(frames(traceback_of(error)))
        start: list[Line] = [(), (("heading", "The script started this job here:"),), *lines] if lines else []
        failure = _explained(cast("JobExecutionException", error).failure)
        return [*failure._replace(advice=failure.advice or advice).lines(), *start]
    failure = _explained(failure_of(error))
    explained = python2.explain(cast("SyntaxError", error)) if issubclass(type(error), SyntaxError) else []
    if explained:
        # Instead of what Python says of it.
        what, *more = explained
        raised = failure.raised
        failure = failure._replace(raised=raised._replace(what=what, more=(*more, *raised.more)))
    return failure._replace(advice=failure.advice or advice).lines()


def _explained(failure: Failure) -> Failure:
    """With advice on a name that only Python 2 has, in place of a guess which other name is meant."""
    what, advice = ("", "") if failure.advice else python2.missing_name(failure.raised.what)
    return failure._replace(raised=failure.raised._replace(what=what), advice=advice) if advice else failure


def full_report(error: BaseException, advice: str = "") -> list[Line]:
    """The report, then all frames: of the exception, of what led to it, and of the worker that raised it."""
    lines = report(error, advice)
    if not isinstance(error, JobExecutionException) or not error.failure.full:
        return [*lines, *_section("Full traceback:", "".join(traceback.format_exception(error)))]
    here = traceback.format_exception(type(error), error, traceback_of(error), chain=False)
    return [
        *lines,
        *_section("Full traceback in the worker:", error.failure.full),
        *_section("Where the script waited for the job:", "".join(here)),
    ]


def _section(heading: str, text: str) -> list[Line]:
    return [(), (("heading", heading),), (("traceback", text.rstrip("\n")),)]
