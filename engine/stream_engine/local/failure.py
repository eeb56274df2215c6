"""What went wrong in a worker, told in the user's terms: their line, the operator, the subtask, the record."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stream_engine import causes
from stream_engine.local.remedies import Scene, remedy
from stream_engine.operators.code import is_generated, site_of
from stream_engine.operators.snapshot import StateError
from stream_engine.report import behind, frames, one_line, raised, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.graph.job_graph import JobGraph, Task
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.operators.code import Site


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
    """The user's part of a traceback from a worker, as text: the ``__cause__`` of what came from there.

    ``full`` is the traceback with the frames of the engine.
    """

    def __init__(self, users: str, full: str) -> None:
        super().__init__(users, full)
        self.full = full

    def __str__(self) -> str:
        return "\n" + str(self.args[0])


@dataclass(frozen=True)
class Failure:
    """An exception in a worker. ``summary`` is written for people; ``exception`` is its pickle, None if it has none.

    ``traceback`` is the user's part of it, ``full`` all of it. One that is ``final`` would come again after a restart.
    ``task`` is the number of the task whose subtask failed; None where it was no task in particular.
    """

    summary: str
    traceback: str
    full: str
    exception: bytes | None
    final: bool = False
    task: int | None = None

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
        error.__cause__ = RemoteTraceback(self.traceback, self.full)
        return error


# Memory that is given up when there is none left. Nothing is written there, so it is a number and no more until then.
_RESERVE = [bytes(4 * 1024 * 1024)]
# Made in advance, for when nothing can be made any more.
_OUT_OF_MEMORY = pickle.dumps(Failure("MemoryError: a worker has no memory left, not even to say where", "", "", None))


def packed_failure(error: BaseException, graph: JobGraph, index: int) -> bytes:
    """The pickle of what ``describe`` gives; of less, when there is no memory left for that."""
    seen: set[int] = set()
    while issubclass(type(error), MemoryError) and id(error) not in seen:
        seen.add(id(error))
        context = causes.context_of(error)
        if context is not None and issubclass(type(context), MemoryError | OperatorError):
            # Memory was out, and so no better was to be had than another one of the kind.
            error = context
    for _ in range(2):
        try:
            return pickle.dumps(describe(error, graph, index))
        except MemoryError:
            _RESERVE.clear()
            # What has taken it all is most likely in a variable of one of the functions that have failed.
            _forget_variables(error)
    return _OUT_OF_MEMORY


def _forget_variables(error: BaseException) -> None:
    for each in (error, *causes.behind(error)):
        traceback = causes.traceback_of(each)
        while traceback is not None:
            try:
                traceback.tb_frame.clear()
            except RuntimeError:
                pass  # It is still being executed: one of ours.
            traceback = traceback.tb_next


def describe(error: BaseException, graph: JobGraph, index: int) -> Failure:
    """The failure of worker ``index``, which runs the subtasks of that index."""
    from traceback import format_exception

    full = "".join(format_exception(error))
    site: Site | None = None
    record = value = ...
    phase = ""
    operator: int | None = None
    if isinstance(error, OperatorError) and error.__cause__ is not None:
        operator, phase = error.operator, f" while it was {error.phase}"
        error = error.__cause__
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if is_generated(frame.f_code):
            site = site_of(frame.f_code, traceback.tb_lineno)
            record, value = (frame.f_locals.get(name or "", ...) for name in (site.record, site.value))
        traceback = traceback.tb_next
    if site is not None:
        # Nearer to what happened than the phase that the operator was in.
        operator, phase = site.operator, ""
    node = _node(graph, operator)
    what, *more = raised(error)
    advice = remedy(error, Scene(graph, node, site.role if site else "", record is None, value is None))
    lines = [f"{what}{'' if what.endswith(('.', '!', '?')) else '.'} {advice}" if advice else what, *more]
    task: Task | None = None
    if node is not None:
        task = next(task for task in graph.tasks if node in task.operators)
        made = f", made at {node.location}" if node.location else ""
        lines.append(f"  in operator '{one_line(node.name)}' (subtask {index + 1} of {task.parallelism}{made}){phase}")
    if site is not None and site.record is not None:
        lines.append(f"  with the record {shortened(record)}")
    told = frames(error.__traceback__) + behind(error)
    texts = ("\n".join(lines + told), "\n".join(told), full)
    return Failure(*texts, _pickled(error), _is_final(error), None if task is None else task.id)


def _is_final(error: BaseException) -> bool:
    from stream_engine.checkpoints.private import StorageError

    return isinstance(error, StateError | StorageError)


def _node(graph: JobGraph, operator: int | None) -> StreamNode | None:
    return next((node for task in graph.tasks for node in task.operators if node.id == operator), None)


def _pickled(error: BaseException) -> bytes | None:
    try:
        return pickle.dumps(error)
    except Exception:
        return None
