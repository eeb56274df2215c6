"""The report of an exception that left the script: its traceback, with the user's frames only."""

from __future__ import annotations

import os
import re
import traceback
from typing import TYPE_CHECKING

from pyflink_stream import python2
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Iterable

_OURS = tuple(
    os.path.dirname(os.path.abspath(path)) + os.sep
    for path in (__file__, JobExecutionException.__init__.__code__.co_filename)
)
_IMPORT_SYSTEM = "<frozen importlib"
_OUR_MODULE = re.compile(r"^stream_engine\.[a-z_.]+\.(?=[A-Z]\w*: )", re.MULTILINE)


def report(error: BaseException) -> str:
    """What the script's author needs to see, without a line break at the end."""
    if isinstance(error, JobExecutionException):
        return _job_report(error)
    lines = traceback.TracebackException.from_exception(error)
    _leave_out_ours(lines)
    text = _OUR_MODULE.sub("", "".join(lines.format()).rstrip("\n"))
    if not lines.stack:
        # Without frames the heading promises a list that does not come.
        text = text.replace("Traceback (most recent call last):\n", "", 1)
    hint = python2.explain(error) if isinstance(error, SyntaxError) else None
    return f"{text}\n\n{hint}" if hint else text


def _job_report(error: JobExecutionException) -> str:
    """The engine has said it all in its message; what is missing is where the script started the job."""
    frames = _users(traceback.extract_tb(error.__traceback__))
    where = "".join(traceback.format_list(frames)).rstrip("\n")
    return f"{error}\n\nThe script started this job here:\n{where}" if where else str(error)


def _leave_out_ours(lines: traceback.TracebackException) -> None:
    pending = [lines]
    while pending:
        each = pending.pop()
        each.stack = traceback.StackSummary.from_list(_users(each.stack))
        chained = (each.__cause__, each.__context__, *(getattr(each, "exceptions", None) or ()))
        pending.extend(other for other in chained if other is not None)


def _users(frames: Iterable[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    return [frame for frame in frames if not frame.filename.startswith((*_OURS, _IMPORT_SYSTEM))]
