"""What went wrong in a worker, told in the user's terms: their line, the operator, the subtask, the record."""

from __future__ import annotations

import os
import pickle
import reprlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stream_engine.checkpoints.private import StorageError
from stream_engine.operators.code import is_generated, site_of
from stream_engine.operators.snapshot import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamNode

_ENGINE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 200
_repr.maxlist = _repr.maxtuple = _repr.maxdict = 8


class Cancelled(BaseException):
    """Unwinds a worker's stack when its job is stopped; not an Exception, so that no user code swallows it."""


class OperatorError(Exception):
    """Says which operator an exception, its ``__cause__``, came from when no record was under way."""

    def __init__(self, operator: int, phase: str) -> None:
        super().__init__(operator, phase)
        self.operator = operator
        self.phase = phase

    @classmethod
    @contextmanager
    def around(cls, operator: int, phase: str) -> Iterator[None]:
        """What is raised within becomes the cause of an OperatorError."""
        try:
            yield
        except (OperatorError, Cancelled):
            raise
        except BaseException as error:
            raise cls(operator, phase) from error


class RemoteTraceback(Exception):
    """The user's part of a traceback from a worker, as text: the ``__cause__`` of what came from there."""

    def __str__(self) -> str:
        return "\n" + str(self.args[0])


@dataclass(frozen=True)
class Failure:
    """An exception in a worker. ``summary`` is written for people; ``exception`` is its pickle, None if it has none.

    One that is ``final`` would come again after any restart.
    """

    summary: str
    traceback: str
    exception: bytes | None
    final: bool = False

    def cause(self) -> BaseException:
        """The exception that the user's code raised, or one that says as much."""
        error: BaseException | None = None
        if self.exception is not None:
            try:
                error = pickle.loads(self.exception)
            except Exception:
                error = None
        if not isinstance(error, BaseException):
            error = RuntimeError(self.summary.split("\n", 1)[0])
        error.__cause__ = RemoteTraceback(self.traceback)
        return error


# Made in advance, for when nothing can be made any more.
_OUT_OF_MEMORY = pickle.dumps(Failure("MemoryError: a worker has no memory left, not even to say where", "", None))


def packed_failure(error: BaseException, graph: JobGraph, index: int) -> bytes:
    """The pickle of what ``describe`` gives; of less, when there is no memory left for that."""
    for _ in range(2):
        try:
            return pickle.dumps(describe(error, graph, index))
        except MemoryError:
            # What has taken it all is most likely in a variable of one of the functions that have failed.
            _forget_variables(error)
    return _OUT_OF_MEMORY


def _forget_variables(error: BaseException | None) -> None:
    while error is not None:
        traceback = error.__traceback__
        while traceback is not None:
            try:
                traceback.tb_frame.clear()
            except RuntimeError:
                pass  # It is still being executed: one of ours.
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__


def describe(error: BaseException, graph: JobGraph, index: int) -> Failure:
    """The failure of worker ``index``, which runs the subtasks of that index."""
    site = record = None
    phase = ""
    operator: int | None = None
    if isinstance(error, OperatorError) and error.__cause__ is not None:
        operator, phase = error.operator, f" while it was {error.phase}"
        error = error.__cause__
    traceback = error.__traceback__
    user_frames = traceback
    while traceback is not None:
        if is_generated(traceback):
            site, record = site_of(traceback)
            user_frames = traceback.tb_next
        traceback = traceback.tb_next
    if site is not None:
        # Nearer to what happened than the phase that the operator was in.
        operator, phase = site.operator, ""
    lines = [f"{type(error).__name__}: {text_of(error)}{_hint(error, site.role if site else '')}"]
    node = _node(graph, operator)
    if node is not None:
        width = next(task.parallelism for task in graph.tasks if node in task.operators)
        made = f", made at {node.location}" if node.location else ""
        lines.append(f"  in operator '{node.name}' (subtask {index + 1} of {width}{made}){phase}")
    if site is not None and site.record is not None:
        lines.append(f"  with the record {_safe_repr(record)}")
    frames = _user_lines(user_frames)
    final = isinstance(error, StateError | StorageError)
    return Failure("\n".join(lines + frames), "\n".join(frames), _pickled(error), final)


def _node(graph: JobGraph, operator: int | None) -> StreamNode | None:
    return next((node for task in graph.tasks for node in task.operators if node.id == operator), None)


def _hint(error: BaseException, role: str) -> str:
    if role == "hash" and isinstance(error, TypeError) and "unhashable" in str(error):
        return ". This is a key: keys are compared by value and must not change, so return a tuple or a str"
    if role == "time" and isinstance(error, TypeError):
        return ". The record has no timestamp: call assign_timestamps_and_watermarks() before windows of event time"
    if isinstance(error, SystemExit):
        return " (the function called sys.exit, which ends the script only in main)"
    return ""


def _safe_repr(record: object) -> str:
    try:
        return _repr.repr(record)
    except Exception as error:
        return f"<{type(record).__name__}, whose repr raises {type(error).__name__}>"


def text_of(error: BaseException) -> str:
    """``str(error)``, or what can be said where that raises."""
    try:
        return str(error)
    except Exception as failure:
        return f"<its text raises {type(failure).__name__}>"


def _user_lines(traceback: TracebackType | None) -> list[str]:
    from traceback import extract_tb

    lines: list[str] = []
    for frame in extract_tb(traceback):
        if frame.filename.startswith((_ENGINE, "<chain ", "<frozen ")):
            continue
        lines.append(f'    File "{frame.filename}", line {frame.lineno}, in {frame.name}')
        if frame.line:
            lines.append(f"      {frame.line}")
    return lines


def _pickled(error: BaseException) -> bytes | None:
    try:
        return pickle.dumps(error)
    except Exception:
        return None
